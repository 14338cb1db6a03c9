"""Calling an output in the loop's own thread."""

from collections.abc import Callable
from contextlib import suppress

from fedge.outputs.base import Output
from fedge.runner.health import Health, HealthSnapshot
from fedge.runner.output_status import Standing
from fedge.runner.result import Result


class Inline:
    """Calls an inline output; a failed call loses its result, and the next call is the next try."""

    def __init__(self, output: Output, health: Health) -> None:
        self._output = output
        self._standing = Standing(output.name, health)

    def show(self, result: Result) -> None:
        """Gives a result; raises BrokenPipeError only."""
        if not self._output.wants(result):
            return
        if self._call(lambda: self._output.show(result)):
            self._standing.succeed()
        else:
            self._standing.count_dropped()

    def health(self, snapshot: HealthSnapshot) -> None:
        """Gives the health; raises BrokenPipeError only."""
        if self._call(lambda: self._output.health(snapshot)) and self._output.heeds_health():
            self._standing.succeed()

    def stop(self) -> None:
        """Ends the output."""
        with suppress(Exception):  # there is nothing left to degrade
            self._output.close()
        self._standing.end()

    def _call(self, call: Callable[[], None]) -> bool:
        try:
            call()
        except BrokenPipeError:
            raise
        except Exception as error:  # whatever an output raises, the loop goes on
            self._standing.fail(error)
            return False
        return True

"""One sink for the loop, many outputs behind it: none of them can hold up the loop, or another."""

import sys
from collections.abc import Sequence
from time import monotonic

from fedge.outputs.base import Output
from fedge.outputs.delivery.inline import Inline
from fedge.outputs.delivery.worker import Worker
from fedge.runner.health import Health, HealthSnapshot
from fedge.runner.result import Result

CLOSE_SECONDS = 1.0
# A webhook or a broker may take five seconds for one result.
STUCK_SECONDS = 6.0


class Hub:
    """Gives each result to each output.

    Inline outputs are called at once, in the loop's thread; a BrokenPipeError of theirs goes up to the loop, which
    ends the run. Every other output has a thread and a bounded queue. An output that raises is degraded alone: the
    health says so once, the call is repeated with growing pauses, and a success makes the output `ok` again.

    Args:
        outputs: names must differ.
        health: where the outputs' states go.
        live: whether frames come by themselves. Where they do not, as with files, a full queue makes `show` wait
            while its output works, so that every result arrives, and so does `close`.
        close_seconds, stuck_seconds: how long `close` waits.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        health: Health,
        live: bool = True,
        close_seconds: float = CLOSE_SECONDS,
        stuck_seconds: float = STUCK_SECONDS,
    ) -> None:
        self._live, self._close_seconds, self._stuck_seconds = live, close_seconds, stuck_seconds
        self._carriers: list[Inline | Worker] = [
            Inline(output, health) if output.inline else Worker(output, health, patient=not live) for output in outputs
        ]

    def show(self, result: Result) -> None:
        """Takes a result; raises BrokenPipeError where the reader of standard output has gone."""
        for carrier in self._carriers:
            carrier.show(result)

    def health(self, snapshot: HealthSnapshot) -> None:
        """Takes the runner's health."""
        for carrier in self._carriers:
            carrier.health(snapshot)

    def drain(self) -> None:
        """Waits until each output has taken all that it was given, or fails."""
        for worker in self._workers():
            worker.drain()

    def close(self) -> None:
        """Ends every output; what is still queued has `close_seconds` in all to get out, and is said where it does not.

        Where frames do not come by themselves it has as long as it takes, but for an output that gets nothing out for
        `stuck_seconds`.
        """
        for carrier in self._carriers:
            carrier.stop()
        workers = self._workers()
        try:
            # Who ends a run with a signal does not want to wait for the rest, and may send it while this waits.
            if not self._live and sys.exception() is None:
                for worker in workers:
                    worker.finish(self._stuck_seconds)
        finally:
            for worker in workers:
                worker.give_up()
            deadline = monotonic() + self._close_seconds
            for worker in workers:
                worker.join(deadline)

    def _workers(self) -> list[Worker]:
        return [carrier for carrier in self._carriers if isinstance(carrier, Worker)]

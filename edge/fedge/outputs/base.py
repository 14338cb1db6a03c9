"""What every output is."""

from fedge.errors import OutputError
from fedge.runner.health import HealthSnapshot
from fedge.runner.result import Result


class NeverTaken(OutputError):
    """Results that the output could not take however often they were given; by default it is the last one."""

    def __init__(self, what: str, mend: str, results: int = 1) -> None:
        super().__init__(what, mend)
        self.results = results


class Output:
    """An output's defaults; each output overrides what differs.

    The hub calls all methods of an output from one thread. A method that raises an Exception has not taken what it was
    given: the hub says so, and gives the same result again after a pause; after a NeverTaken it goes on to the next.

    Attributes:
        name: in the health's `outputs`; unique among the outputs of a run.
        inline: called in the loop's own thread, so that nothing is ever dropped; only for what cannot block for long.
        backlog: how many results may wait; the oldest is dropped.
        wants_pictures: whether results come with their picture and the network's input; without, the one has no pixels,
            and the other is None.
        longest_pause_s: the longest time until a failed call is tried again.
        end_seconds: how much longer than others it may take to end, as what it wrote is lost without its end.
    """

    name = "output"
    inline = False
    backlog = 1000
    wants_pictures = False
    longest_pause_s = 30.0
    end_seconds = 0.0

    @property
    def counts_losses(self) -> bool:
        """Whether a dropped result is lost; not so where only the newest matters, as with room for one."""
        return self.backlog > 1

    @classmethod
    def heeds_health(cls) -> bool:
        """Whether taking the health shows that it works: one that ignores it always does."""
        return cls.health is not Output.health

    def wants(self, result: Result) -> bool:
        """Whether `show` is to be called for this result; decided before it is queued. Called in the loop's thread."""
        return True

    def show(self, result: Result) -> None:
        """Takes an answer."""

    def health(self, snapshot: HealthSnapshot) -> None:
        """Takes the runner's health."""

    def close(self) -> None:
        """Ends; called once."""

"""The runner's loop: frames in, answers out."""

from collections.abc import Generator, Iterator
from time import monotonic
from typing import Protocol

from fedge.model.classifier import Classifier
from fedge.runner.decisions import Decider
from fedge.runner.health import Health, HealthSnapshot
from fedge.runner.result import Result
from fedge.sources.base import Fault, Frame, Source

HEALTH_SECONDS = 1.0


class Sink(Protocol):
    """Where answers go: one output, or all of them behind queues so that the loop never waits."""

    def show(self, result: Result) -> None:
        """Takes the answer to a frame."""

    def health(self, snapshot: HealthSnapshot) -> None:
        """Takes the runner's health: about once a second, and on each fault."""

    def close(self) -> None:
        """Ends; called once, after the last answer."""


def classify_frames(
    classifier: Classifier, source: Source, decider: Decider, health: Health
) -> Generator[Result | Fault | None]:
    """Classifies each frame that the source gives, until it ends, and counts frames and faults in `health`.

    Between the results come the source's faults, and None where it has nothing new. Closes the source in any case.
    Raises SourceError.
    """
    number = 0
    try:
        for item in source.frames():
            if isinstance(item, Frame):
                answer = classifier.classify(item.picture)
                decision = decider.update(answer.evidence, item.moment, item.time)
                health.count_frame(item.captured)
                yield Result(number, item, answer, (monotonic() - item.captured) * 1e3, decision)
                number += 1
                continue
            if item is not None:
                health.count_fault(item.kind, item.message)
            yield item
    finally:
        source.close()


def show(results: Iterator[Result | Fault | None], sink: Sink, health: Health, limit: int | None = None) -> None:
    """Hands results to the sink, `limit` of them or all; and the health, about once a second and on each new fault."""
    shown_at, shown_kind = -HEALTH_SECONDS, ""
    shown = 0
    while limit is None or shown < limit:
        try:
            item = next(results)
        except StopIteration:
            break
        if isinstance(item, Result):
            sink.show(item)
            shown += 1
        fault = item.kind if isinstance(item, Fault) else ""
        # A stream of damaged frames alone would otherwise report one kind of fault thirty times a second.
        if monotonic() - shown_at >= HEALTH_SECONDS or (fault and fault != shown_kind):
            sink.health(health.snapshot())
            shown_at = monotonic()
        shown_kind = fault or (shown_kind if item is None else "")

"""The runner's loop: frames in, answers out."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from time import monotonic
from typing import Protocol

from fedge.model.classifier import Classifier
from fedge.runner.decisions import Decider
from fedge.runner.health import Health, HealthSnapshot
from fedge.runner.motion import Gate
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
    classifier: Classifier, source: Source, decider: Decider, health: Health, gate: Gate | None = None
) -> Generator[Result | Fault | None]:
    """Classifies each frame that the source gives, until it ends, and counts frames and faults in `health`.

    A frame that the `gate` does not let through keeps answer and decision of the one before, and is `still`.
    Between the results come the source's faults, and None where it has nothing new. Closes the source in any case.
    Raises SourceError.
    """
    number = 0
    last: Result | None = None
    try:
        for item in source.frames():
            if isinstance(item, Frame):
                if gate is None or gate.is_open(item) or last is None:
                    answer = classifier.classify(item.picture)
                    decision = decider.update(answer.evidence, item.moment, item.time)
                    last = Result(number, item, answer, (monotonic() - item.captured) * 1e3, decision)
                else:
                    last = _kept(last, number, item)
                    health.count_still()
                health.count_frame(item.captured)
                yield last
                number += 1
                continue
            if item is not None:
                health.count_fault(item.kind, item.message)
            yield item
    finally:
        source.close()


def _kept(last: Result, number: int, frame: Frame) -> Result:
    answer = replace(last.answer, preprocess_ms=0.0, infer_ms=0.0)
    age_ms = (monotonic() - frame.captured) * 1e3
    return Result(number, frame, answer, age_ms, replace(last.decision, changed=False), still=True)


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

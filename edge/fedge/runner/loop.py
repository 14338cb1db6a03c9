"""The runner's loop: frames in, answers out."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from time import monotonic
from typing import Protocol

from fedge.images.picture import Picture
from fedge.model.classifier import Answer, Classifier
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


class Successor(Protocol):
    """What may put another classifier in the running one's place, between two frames."""

    @property
    def must_restart(self) -> bool:
        """Whether the next classifier needs a source, or outputs, that are opened for it."""

    def take(self) -> Classifier | None:
        """The classifier that is to answer from this frame on; None where it is the one before."""

    def answered(self, picture: Picture, answer: Answer) -> None:
        """Is told the answer to a frame that was classified."""


def classify_frames(
    classifier: Classifier,
    source: Source,
    decider: Decider,
    health: Health,
    gate: Gate | None = None,
    successor: Successor | None = None,
) -> Generator[Result | Fault | None]:
    """Classifies each frame that the source gives, until it ends, and counts frames and faults in `health`.

    A frame that the `gate` does not let through keeps answer and decision of the one before, and is `still`.
    Between the results come the source's faults, and None where it has nothing new. Closes the source in any case.
    Ends early where a `successor` has to be started with a source of its own. Raises SourceError.
    """
    number = 0
    last: Result | None = None
    try:
        for item in source.frames():
            if successor is not None and successor.must_restart:
                return
            if isinstance(item, Frame):
                if successor is not None and (fresh := successor.take()) is not None:
                    classifier, last = fresh, None
                if gate is None or gate.is_open(item) or last is None:
                    answer = classifier.classify(item.picture)
                    decision = decider.update(answer.evidence, item.moment, item.time)
                    age_ms = (monotonic() - item.captured) * 1e3
                    last = Result(number, item, answer, age_ms, decision, classifier.model.sha256)
                    if successor is not None:
                        successor.answered(item.picture, answer)
                else:
                    last = kept(last, number, item)
                    health.count_still()
                health.count_frame(item.captured, last.answer.rejected)
                yield last
                number += 1
                continue
            if item is not None:
                health.count_fault(item.kind, item.message)
            yield item
    finally:
        source.close()


def kept(last: Result, number: int, frame: Frame) -> Result:
    """The result of a frame that keeps the answer and decision of the one before."""
    answer = replace(last.answer, preprocess_ms=0.0, infer_ms=0.0)
    age_ms = (monotonic() - frame.captured) * 1e3
    decision = replace(last.decision, changed=False)
    return replace(last, number=number, frame=frame, answer=answer, age_ms=age_ms, decision=decision, still=True)


def show(
    results: Iterator[Result | Fault | None],
    sink: Sink,
    health: Health,
    limit: int | None = None,
    health_seconds: float = HEALTH_SECONDS,
) -> None:
    """Hands results to the sink, `limit` of them or all; and the health, every `health_seconds` and on a new fault."""
    shown_at, shown_kind = -health_seconds, ""
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
        if monotonic() - shown_at >= health_seconds or (fault and fault != shown_kind):
            sink.health(health.snapshot())
            shown_at = monotonic()
        shown_kind = fault or (shown_kind if item is None else "")

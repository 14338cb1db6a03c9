"""The runner's loop: frames in, answers out."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from fedge.classifier import Answer, Classifier
from fedge.decisions import Decider, Decision
from fedge.health import Health, HealthSnapshot
from fedge.sources.frame import Fault, Frame, Source

HEALTH_SECONDS = 1.0


@dataclass(frozen=True)
class Result:
    """The answer to one frame, and the decision after it.

    Attributes:
        number: counts answered frames from 0.
        frame: the frame that was classified.
        answer: what the classifier says of this frame alone.
        age_ms: milliseconds from capture to answer.
        decision: what the frames of the last while say together.
    """

    number: int
    frame: Frame
    answer: Answer
    age_ms: float
    decision: Decision

    def to_json(self) -> dict[str, Any]:
        """The line that `fedge run --json` prints."""
        answer = self.answer
        line: dict[str, Any] = {
            "frame": self.number,
            "source": self.frame.source,
            "time": self.frame.stamp,
            "label": answer.label,
            "score": round(answer.score, 6),
            "top": [[label, round(score, 6)] for label, score in answer.top],
            "age_ms": round(self.age_ms, 3),
            "preprocess_ms": round(answer.preprocess_ms, 3),
            "infer_ms": round(answer.infer_ms, 3),
            "decision": self.decision.label,
            "changed": self.decision.changed,
        }
        if answer.quality is not None:
            line["quality"] = round(answer.quality, 6)
        if answer.rejected:
            line["rejected"] = True
        if answer.empty:
            line["empty"] = True
        return line


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
        # A stream of nothing but damaged frames has one kind of fault thirty times a second.
        if monotonic() - shown_at >= HEALTH_SECONDS or (fault and fault != shown_kind):
            sink.health(health.snapshot())
            shown_at = monotonic()
        shown_kind = fault or (shown_kind if item is None else "")

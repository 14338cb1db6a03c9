"""The runner's loop: frames in, answers out."""

from collections.abc import Generator
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from fedge.classifier import Answer, Classifier
from fedge.decisions import Decider, Decision
from fedge.health import HealthSnapshot
from fedge.sources.frame import Frame, Source


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
            "time": self.frame.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "label": answer.label,
            "score": round(answer.score, 6),
            "top": [[label, round(score, 6)] for label, score in answer.top],
            "age_ms": round(self.age_ms, 3),
            "preprocess_ms": round(answer.preprocess_ms, 3),
            "infer_ms": round(answer.infer_ms, 3),
            "decision": self.decision.label,
            "changed": self.decision.changed,
        }
        if answer.rejected:
            line["rejected"] = True
        return line


class Sink(Protocol):
    """Where answers go: one output, or all of them behind queues so that the loop never waits."""

    def show(self, result: Result) -> None:
        """Takes the answer to a frame."""

    def health(self, snapshot: HealthSnapshot) -> None:
        """Takes the runner's health: about once a second, and on each fault."""

    def close(self) -> None:
        """Ends; called once, after the last answer."""


def classify_frames(classifier: Classifier, source: Source) -> Generator[Result]:
    """Classifies each frame that the source gives, until it ends; closes it in any case. Raises SourceError."""
    decider = Decider(classifier.labels)
    try:
        for number, frame in enumerate(source.frames()):
            answer = classifier.classify(frame.picture)
            decision = decider.update(answer.probabilities, frame.captured, frame.time)
            yield Result(number, frame, answer, (monotonic() - frame.captured) * 1e3, decision)
    finally:
        source.close()

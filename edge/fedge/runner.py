"""The runner's loop: frames in, answers out."""

from collections.abc import Generator
from dataclasses import dataclass
from time import monotonic
from typing import Any

from fedge.classifier import Answer, Classifier
from fedge.sources.frame import Frame, Source


@dataclass(frozen=True)
class Result:
    """The answer to one frame; `number` counts answered frames from 0, `age_ms` is from capture to answer."""

    number: int
    frame: Frame
    answer: Answer
    age_ms: float

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
        }
        if answer.rejected:
            line["rejected"] = True
        return line


def classify_frames(classifier: Classifier, source: Source) -> Generator[Result]:
    """Classifies each frame that the source gives, until it ends; closes it in any case. Raises SourceError."""
    try:
        for number, frame in enumerate(source.frames()):
            answer = classifier.classify(frame.picture)
            yield Result(number, frame, answer, (monotonic() - frame.captured) * 1e3)
    finally:
        source.close()

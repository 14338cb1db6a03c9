"""The answer to one frame."""

from dataclasses import dataclass

from fedge.model.classifier import Answer
from fedge.runner.decisions import Decision
from fedge.sources.base import Frame
from fedge.system.json_types import JsonObject


@dataclass(frozen=True)
class Result:
    """The answer to one frame, and the decision after it.

    Attributes:
        number: counts answered frames from 0.
        frame: the frame that was classified.
        answer: what the classifier says of this frame alone.
        age_ms: milliseconds from capture to answer.
        decision: what the frames of the last while say together.
        model_sha256: of the model file that answered.
        still: whether answer and decision are those of the frame before, as nothing had moved.
        region: the name of the part of the picture that was classified; empty for a frame without named regions.
        box: that part's left, top, right and bottom in the frame's picture, in pixels; None for all of it.
    """

    number: int
    frame: Frame
    answer: Answer
    age_ms: float
    decision: Decision
    model_sha256: str = ""
    still: bool = False
    region: str = ""
    box: tuple[int, int, int, int] | None = None

    def to_json(self) -> JsonObject:
        """The line that `fedge run --json` prints."""
        answer = self.answer
        line: JsonObject = {
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
            "model_sha256": self.model_sha256,
        }
        if answer.quality is not None:
            line["quality"] = round(answer.quality, 6)
        if answer.rejected:
            line["rejected"] = True
            if answer.score_kind != "probability":
                line["rejected_by"] = answer.score_kind
        if answer.empty:
            line["empty"] = True
        if self.still:
            line["still"] = True
        if self.region:
            line["region"] = self.region
        return line

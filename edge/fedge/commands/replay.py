"""`fedge replay`: a recording's frames through the classifier again, and where the answers differ."""

import json
import math
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fedge.errors import DataError, ReplayDiffers
from fedge.images.picture import Picture
from fedge.model.classifier import Classifier, load
from fedge.model.format.schema import to_json
from fedge.runner.decisions import Decider
from fedge.runner.segments import FACTS, LINES, segments
from fedge.system.console import echo, printable
from fedge.system.json_types import Json, JsonObject

_MOST_DIFFERENCES = 20
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Difference:
    """Where a frame's answer differs: the first differing field of `label`, `decision`, `changed` and `score`."""

    segment: str
    frame: int
    field: str
    recorded: Json
    replayed: Json


@dataclass(frozen=True)
class ReplayReport:
    """What came of a replay.

    Attributes:
        recording: the recording's folder.
        model: the name of the model that was used, from its manifest.
        same_model: whether that is the one the recording was made with.
        frames, pictures: how many frames were replayed, and how many of them have their picture.
        differing: how many frames get another answer or decision.
        max_score_difference: the largest difference of a score, 0..1.
        differences: the first twenty.
    """

    recording: str
    model: str
    same_model: bool
    frames: int
    pictures: int
    differing: int
    max_score_difference: float
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class _Answer:
    """What is compared of a frame; the score is rounded to six digits."""

    label: str | None
    score: float
    decision: str | None
    changed: bool


@dataclass
class _Tally:
    frames: int = 0
    pictures: int = 0
    differing: int = 0
    max_score_difference: float = 0.0
    first: list[Difference] = field(default_factory=list)


def replay(folder: Path, model: str | None) -> ReplayReport:
    """Classifies a recording's frames again and decides again, with `model` or the one that it was recorded with.

    A segment that was only begun, where the power or the disk failed, is left out, and that is said on standard error.
    Raises DataError.
    """
    parts = [part for part in segments(folder) if _is_finished(part)] if folder.is_dir() else []
    if not parts:
        raise DataError(f"{folder} is no recording", "give a folder that `fedge run --record` wrote")
    facts = [_facts(part) for part in parts]
    classifier = load(model if model is not None else str(facts[-1]["model"]))
    network = classifier.model.manifest.flatbuffer.sha256
    tally = _Tally()
    for part, known in zip(parts, facts, strict=True):
        _replay_segment(part, known, classifier, tally)
    return ReplayReport(
        recording=str(folder),
        model=classifier.model.manifest.name,
        same_model=all(known["network"] == network for known in facts),
        frames=tally.frames,
        pictures=tally.pictures,
        differing=tally.differing,
        max_score_difference=tally.max_score_difference,
        differences=tuple(tally.first),
    )


def as_text(report: ReplayReport) -> str:
    """The report for people: the first differences, and the counts."""
    lines = [] if report.same_model else [f"{report.model} is another model than the recording's"]
    for d in report.differences:
        lines.append(f"{d.segment} frame {d.frame}: {d.field} was {d.recorded}, is {d.replayed}")
    if report.differing > len(report.differences):
        lines.append(f"and {report.differing - len(report.differences)} more")
    lines.append(
        f"{report.frames} frames, {report.pictures} with their picture: {report.differing} differ; "
        f"scores by at most {report.max_score_difference:.6f}"
    )
    return "\n".join(lines)


def as_json(report: ReplayReport) -> JsonObject:
    """The fields of `ReplayReport`."""
    return to_json(report)


def require_same(report: ReplayReport) -> None:
    """Raises ReplayDiffers where an answer or a decision differs."""
    if report.differing:
        raise ReplayDiffers(
            f"{report.differing} of {report.frames} frames of {report.recording} get another answer",
            "replay with the model and the versions that recorded it, or look at the frames that are named",
        )


def score_tolerance(classifier: Classifier) -> float:
    """By how much a score may differ between machines that are both right.

    The self-test lets a logit differ by so many steps as make d = steps * scale / temperature. A probability p is a
    sigmoid of its log-odds, which so move by at most 2 d; a sigmoid moves most around 0, from -d to d: by tanh(d / 2).
    """
    manifest = classifier.model.manifest
    steps = manifest.self_test.logit_tolerance
    return math.tanh(steps * manifest.output.step / manifest.confidence.temperature / 2) + _ROUNDING


def _replay_segment(part: Path, facts: dict[str, Any], classifier: Classifier, tally: _Tally) -> None:
    tolerance = score_tolerance(classifier)
    try:
        decider = Decider(classifier.labels, **facts["decisions"])
        decider.restore(facts["state"])
        classifier.reject = facts["reject"]
        for line in _lines(part):
            tally.frames += 1
            recorded = _Answer(line["label"], line["score"], line["decision"], line["changed"])
            label, score, evidence = recorded.label, recorded.score, line["evidence"]
            if line["picture"]:
                tally.pictures += 1
                answer = classifier.classify(_picture(part / line["picture"]))
                label, score, evidence = answer.label, round(answer.score, 6), answer.evidence
            decision = decider.update(evidence, line["moment"], datetime.fromisoformat(line["time"]))
            replayed = _Answer(label, score, decision.label, decision.changed)
            _compare(part.name, line["frame"], recorded, replayed, tolerance, tally)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{part} does not fit the model, or is damaged ({type(error).__name__}: {error})",
            "give the model that it was recorded with, or remove this segment",
        ) from error


def _compare(segment: str, frame: int, recorded: _Answer, replayed: _Answer, tolerance: float, tally: _Tally) -> None:
    difference = abs(recorded.score - replayed.score)
    tally.max_score_difference = max(tally.max_score_difference, difference)
    names = [name for name in ("label", "decision", "changed") if getattr(recorded, name) != getattr(replayed, name)]
    names += ["score"] if difference > tolerance else []
    if not names:
        return
    tally.differing += 1
    if len(tally.first) < _MOST_DIFFERENCES:
        name = names[0]
        tally.first.append(Difference(segment, frame, name, getattr(recorded, name), getattr(replayed, name)))


def _is_finished(part: Path) -> bool:
    missing = [name for name in (FACTS, LINES) if not (part / name).exists()]
    if missing:
        echo(f"skipped: {printable(str(part))} has no {' and no '.join(missing)}")
    return not missing


def _facts(part: Path) -> dict[str, Any]:
    try:
        facts: Any = json.loads((part / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{part / FACTS} cannot be read ({error})", "remove this segment") from error
    if not isinstance(facts, dict):
        raise DataError(f"{part / FACTS} holds no JSON object", "remove this segment")
    if missing := {"model", "network", "reject", "decisions", "state"} - set(facts):
        raise DataError(f"{part / FACTS} does not say its {', '.join(sorted(missing))}", "remove this segment")
    return facts


def _lines(part: Path) -> list[dict[str, Any]]:
    # Only the last line can be half written, within a character too, where the power failed; the rest ends with \n.
    texts = (part / LINES).read_bytes().split(b"\n")
    return [json.loads(text) for text in texts[:-1]]


def _picture(path: Path) -> Picture:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise DataError(f"{path} cannot be decoded", "remove this segment")
    return np.asarray(picture, dtype=np.uint8)

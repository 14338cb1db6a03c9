"""`fedge replay`: a recording's frames through the classifier again, and where the answers differ."""

import math
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from fedge.errors import DataError, RecordingIncomplete, ReplayDiffers
from fedge.model.classifier import Classifier, load
from fedge.model.format.schema import to_json
from fedge.runner.decisions import Decider
from fedge.runner.segment_reader import Loss, loss, read_facts, read_lines, read_picture
from fedge.runner.segments import FACTS, segments
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
        lost: what a crash or a power cut took of the recording, segment by segment.
    """

    recording: str
    model: str
    same_model: bool
    frames: int
    pictures: int
    differing: int
    max_score_difference: float
    differences: tuple[Difference, ...]
    lost: tuple[Loss, ...] = ()


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
    lost: list[Loss] = field(default_factory=list)


def replay(folder: Path, model: str | None) -> ReplayReport:
    """Classifies a recording's frames again and decides again, with `model` or the one that it was recorded with.

    Where the power failed, all that is left is replayed, and the report says what is lost. Raises DataError.
    """
    parts = segments(folder) if folder.is_dir() else []
    facts = {part: known for part in parts if (known := _facts(part)) is not None}
    if not facts:
        raise DataError(f"{folder} is no recording", "give a folder that `fedge run --record` wrote")
    newest = list(facts.values())[-1]
    classifier = load(model if model is not None else str(newest["model"]))
    network = classifier.model.manifest.flatbuffer.sha256
    tally = _Tally()
    for part in parts:
        if part in facts:
            _replay_segment(part, facts[part], classifier, tally)
        else:
            # Nothing says how its decisions were made.
            tally.lost.append(loss(part, [], 0, None))
    return ReplayReport(
        recording=str(folder),
        model=classifier.model.manifest.name,
        same_model=all(known["network"] == network for known in facts.values()),
        frames=tally.frames,
        pictures=tally.pictures,
        differing=tally.differing,
        max_score_difference=tally.max_score_difference,
        differences=tuple(tally.first),
        lost=tuple(filter(None, tally.lost)),
    )


def as_text(report: ReplayReport) -> str:
    """The report for people: the first differences, and the counts."""
    lines = [] if report.same_model else [f"{report.model} is another model than the recording's"]
    for d in report.differences:
        lines.append(f"{d.segment} frame {d.frame}: {d.field} was {d.recorded}, is {d.replayed}")
    if report.differing > len(report.differences):
        lines.append(f"and {report.differing - len(report.differences)} more")
    for part in report.lost:
        end = ", and has no end: the run was cut off, or still runs" if part.cut_off else ""
        lines.append(f"{part.segment} lacks {part.lines} frames and {part.pictures} pictures{end}")
    lines.append(
        f"{report.frames} frames, {report.pictures} with their picture: {report.differing} differ; "
        f"scores by at most {report.max_score_difference:.6f}"
    )
    return "\n".join(lines)


def as_json(report: ReplayReport) -> JsonObject:
    """The fields of `ReplayReport`."""
    return to_json(report)


def require_same(report: ReplayReport) -> None:
    """Raises ReplayDiffers where an answer or a decision differs, RecordingIncomplete where something is lost."""
    if report.differing:
        raise ReplayDiffers(
            f"{report.differing} of {report.frames} frames of {report.recording} get another answer",
            "replay with the model and the versions that recorded it, or look at the frames that are named",
        )
    if report.lost:
        lines, pictures = (sum(getattr(part, name) for part in report.lost) for name in ("lines", "pictures"))
        known = f"{lines} frames and {pictures} pictures" if lines or pictures else "the end of a segment"
        raise RecordingIncomplete(
            f"{report.recording} lost {known} to a power cut or a crash; all {report.frames} frames that are left get "
            "the same answers",
            "nothing brings them back; remove the segments that are named if only whole ones matter",
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
        lines, pictures = read_lines(part), 0
        for line in lines:
            tally.frames += 1
            recorded = _Answer(line["label"], line["score"], line["decision"], line["changed"])
            label, score, evidence = recorded.label, recorded.score, line["evidence"]
            picture = read_picture(part, line)
            if picture is not None:
                pictures += 1
                answer = classifier.classify(picture)
                label, score, evidence = answer.label, round(answer.score, 6), answer.evidence
            decision = decider.update(evidence, line["moment"], datetime.fromisoformat(line["time"]))
            replayed = _Answer(label, score, decision.label, decision.changed)
            _compare(part.name, line["frame"], recorded, replayed, tolerance, tally)
        tally.pictures += pictures
        tally.lost.append(loss(part, lines, pictures, facts))
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


def _facts(part: Path) -> dict[str, Any] | None:
    try:
        facts = read_facts(part)
    except (OSError, ValueError) as error:
        raise DataError(f"{part / FACTS} cannot be read ({error})", "remove this segment") from error
    if facts is None:
        return None
    if not isinstance(facts, dict):
        raise DataError(f"{part / FACTS} holds no JSON object", "remove this segment")
    if missing := {"model", "network", "reject", "decisions", "state"} - set(facts):
        raise DataError(f"{part / FACTS} does not say its {', '.join(sorted(missing))}", "remove this segment")
    return facts

"""What `fedge eval` reports, as text for people and as JSON."""

from dataclasses import dataclass

from fedge.evaluation.fitness import Fitness
from fedge.evaluation.metrics import Evaluation
from fedge.evaluation.selective import CurvePoint, ModeFigures
from fedge.images.image_statistics import ImageStatistics, describe_shift
from fedge.model.format.schema import to_json
from fedge.options import DEFAULT_REJECT, RejectMode
from fedge.system.console import printable
from fedge.system.json_types import JsonObject


@dataclass(frozen=True)
class ClassFigures:
    """The share of a true class's pictures that is answered, and of these the share answered rightly; None of none."""

    coverage: float
    accuracy: float | None


@dataclass(frozen=True)
class Rejection:
    """What a model file's confidence makes of the answers, and how the pictures differ from the training pictures.

    Attributes:
        by_mode: coverage and accuracy of what is answered.
        per_class: the same by true class, of each class that has pictures.
        curve: error against coverage.
        no_object: in how many pictures no object was found.
        statistics: the pictures' brightness, contrast and sharpness after preprocessing.
        shift: by how many of the training pictures' standard deviations each statistic's mean is off; empty where
            the pictures show nothing.
    """

    by_mode: dict[RejectMode, ModeFigures]
    per_class: dict[RejectMode, dict[str, ClassFigures]]
    curve: tuple[CurvePoint, ...]
    no_object: int
    statistics: ImageStatistics
    shift: dict[str, float]


@dataclass(frozen=True)
class EvaluationReport:
    """An evaluation of a model file or of a run's float network.

    Attributes:
        model: the name in the model file's manifest, or the run's folder.
        data: what it was evaluated on.
        skipped: files that could not be read.
        evaluation: of each picture's likeliest class.
        ece: the expected calibration error, 0..1.
        rejected: the share of the pictures that `fedge run` refuses, 0..1.
        rejection: of a model file; a run has no fitted confidence.
        verdict: whether a model file is fit for the camera; None where the pictures are a packaged data set's.
    """

    model: str
    data: str
    skipped: tuple[str, ...]
    evaluation: Evaluation
    ece: float
    rejected: float = 0.0
    rejection: Rejection | None = None
    verdict: Fitness | None = None


def as_text(report: EvaluationReport) -> str:
    """The report for people: accuracy, a line per class, the confusion matrix, and what is refused."""
    evaluation = report.evaluation
    width = max(map(len, evaluation.per_class))
    answered = report.rejection.per_class[DEFAULT_REJECT] if report.rejection else {}
    lines = [f"accuracy {evaluation.accuracy:.2%} on {evaluation.n:,} pictures", ""]
    columns = "  answered  right of these" if answered else ""
    lines.append(f"{'':{width}}  precision  recall     f1  pictures{columns}")
    for label, row in evaluation.per_class.items():
        line = f"{label:{width}}  {row.precision:9.2%}  {row.recall:6.2%} {row.f1:6.2%}  {row.support:8,}"
        if label in answered:
            line += f"  {answered[label].coverage:8.2%}  {_share(answered[label].accuracy):>14}"
        lines.append(line)
    cell = max(6, *(len(str(count)) + 2 for row in evaluation.confusion for count in row))
    lines += ["", "confusion (rows: true, columns: predicted, in the same order)"]
    for label, counts in zip(evaluation.per_class, evaluation.confusion, strict=True):
        lines.append(f"{label:{width}}" + "".join(f"{count:{cell}}" for count in counts))
    if report.rejection:
        lines += ["", *rejection_lines(report.rejection, report.verdict)]
    return "\n".join(map(printable, lines))


def rejection_lines(rejection: Rejection, verdict: Fitness | None) -> list[str]:
    """What the model answers in each mode, how the pictures differ from the training pictures, and the verdict."""
    lines = []
    for mode, figures in rejection.by_mode.items():
        lines.append(
            f"with --reject {mode} it answers {figures.coverage:.2%} of the pictures, "
            f"{_share(figures.accuracy)} of these rightly"
        )
    if rejection.no_object:
        lines.append(f"no object was found in {rejection.no_object:,} pictures")
    if verdict:
        lines += [describe_shift(rejection.shift), verdict.text]
    return lines


def as_json(report: EvaluationReport) -> JsonObject:
    """The fields of `Evaluation`, `labels`, and the report's others; `rejection` and `verdict` of a model file only."""
    fields = {
        **to_json(report.evaluation),
        "labels": list(report.evaluation.per_class),
        "ece": report.ece,
        "rejected": report.rejected,
    }
    if report.rejection:
        fields |= _rejection_as_json(report.rejection)
    fields |= {"model": report.model, "data": report.data, "skipped": list(report.skipped)}
    if report.rejection:
        fields["verdict"] = to_json(report.verdict) if report.verdict else None
    return fields


def _rejection_as_json(rejection: Rejection) -> JsonObject:
    return {
        "by_mode": {
            mode: {
                **to_json(figures),
                "per_class": {label: to_json(row) for label, row in rejection.per_class[mode].items()},
            }
            for mode, figures in rejection.by_mode.items()
        },
        "curve": [to_json(point) for point in rejection.curve],
        "no_object": rejection.no_object,
        "looks": to_json(rejection.statistics),
        "shift": rejection.shift,
        "shift_text": describe_shift(rejection.shift),
    }


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.2%}"

"""An evaluation for people."""

import dataclasses
from typing import Any

from fedge.evaluation.metrics import Evaluation
from fedge.options import DEFAULT_REJECT
from fedge.system.console import printable


def describe_evaluation(report: dict[str, Any]) -> str:
    """An evaluation as text: accuracy, a line per class, the confusion matrix, and what it does not know."""
    evaluation = Evaluation(**{field.name: report[field.name] for field in dataclasses.fields(Evaluation)})
    width = max(map(len, evaluation.per_class))
    known = report.get("by_mode", {}).get(DEFAULT_REJECT, {}).get("per_class", {})
    lines = [f"accuracy {evaluation.accuracy:.2%} on {evaluation.n:,} pictures", ""]
    lines.append(f"{'':{width}}  precision  recall     f1  pictures" + ("  answered  right of these" if known else ""))
    for label, row in evaluation.per_class.items():
        line = (
            f"{label:{width}}  {row['precision']:9.2%}  {row['recall']:6.2%} {row['f1']:6.2%}  {row['support']:8,.0f}"
        )
        if label in known:
            line += f"  {known[label]['coverage']:8.2%}  {_share(known[label]['accuracy']):>14}"
        lines.append(line)
    cell = max(6, *(len(str(count)) + 2 for row in evaluation.confusion for count in row))
    lines += ["", "confusion (rows: true, columns: predicted, in the same order)"]
    for label, counts in zip(evaluation.per_class, evaluation.confusion, strict=True):
        lines.append(f"{label:{width}}" + "".join(f"{count:{cell}}" for count in counts))
    if "by_mode" in report:
        lines += ["", *describe_rejection(report)]
    return "\n".join(map(printable, lines))


def describe_rejection(report: dict[str, Any]) -> list[str]:
    """What the model answers in each mode, how the pictures differ from the training pictures, and the verdict."""
    lines = []
    for mode, counts in report["by_mode"].items():
        coverage, accuracy = counts["coverage"], _share(counts["accuracy"])
        lines.append(f"with --reject {mode} it answers {coverage:.2%} of the pictures, {accuracy} of these rightly")
    if report["no_object"]:
        lines.append(f"no object was found in {report['no_object']:,} pictures")
    if report["verdict"]:
        lines += [report["shift_text"], report["verdict"]["text"]]
    return lines


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.2%}"

"""`fedge eval` on a model file: the emitted network on labelled pictures."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from fedge.classifier import Classifier, load
from fedge.data.dataset import Split
from fedge.data.fashion_mnist import NAME
from fedge.data.labelmap import read_label_map
from fedge.data.load import load_for_evaluation
from fedge.errors import DataError
from fedge.metrics import Evaluation, evaluate, expected_calibration_error
from fedge.progress import Progress


def evaluate_model(model: str, data: str | None, label_map: Path | None) -> dict[str, Any]:
    """Evaluates a model file on `data`, or on what it was trained on where that can be found by its name.

    Raises DataError where it cannot, or the data has classes that the model does not have.
    """
    classifier = load(model)
    trained_on = classifier.model.manifest.training.data
    if data is None and trained_on != NAME:
        raise DataError(f"the model was trained on {trained_on}", "say with --data which pictures to evaluate it on")
    chosen = data or trained_on
    split, skipped = load_for_evaluation(
        chosen, classifier.model.manifest.preprocessing, read_label_map(label_map), classifier.labels
    )
    report = evaluate_classifier(classifier, split)
    return report | {"model": classifier.model.manifest.name, "data": chosen, "skipped": skipped}


def evaluate_classifier(classifier: Classifier, split: Split) -> dict[str, Any]:
    """Runs the network over a split: accuracy, n, per_class, confusion, ece, and the share rejected as unknown."""
    logits = np.empty((len(split), len(classifier.labels)), dtype=np.int8)
    with Progress("evaluating", len(split)) as progress:
        for i, image in enumerate(split.images):
            logits[i] = classifier.logits(image)
            progress.advance(1)
    probabilities = classifier.probabilities(logits)
    rejected = probabilities.max(axis=1) < classifier.model.manifest.confidence.reject_below
    predicted = logits.argmax(axis=1).astype(np.int64)
    truth = split.truth(predicted)
    report = dataclasses.asdict(evaluate(truth, predicted, classifier.labels))
    return report | {
        "labels": list(classifier.labels),
        "ece": expected_calibration_error(probabilities, truth),
        "rejected": float(rejected.mean()),
    }


def describe_evaluation(report: dict[str, Any]) -> str:
    """An evaluation as text: accuracy, a line per class, and the confusion matrix."""
    evaluation = Evaluation(**{field.name: report[field.name] for field in dataclasses.fields(Evaluation)})
    width = max(map(len, evaluation.per_class))
    lines = [f"accuracy {evaluation.accuracy:.2%} on {evaluation.n:,} pictures", ""]
    lines.append(f"{'':{width}}  precision  recall     f1  pictures")
    for label, row in evaluation.per_class.items():
        lines.append(
            f"{label:{width}}  {row['precision']:9.2%}  {row['recall']:6.2%} {row['f1']:6.2%}  {row['support']:8,.0f}"
        )
    cell = max(6, *(len(str(count)) + 2 for row in evaluation.confusion for count in row))
    lines += ["", "confusion (rows: true, columns: predicted, in the same order)"]
    for label, counts in zip(evaluation.per_class, evaluation.confusion, strict=True):
        lines.append(f"{label:{width}}" + "".join(f"{count:{cell}}" for count in counts))
    return "\n".join(lines)

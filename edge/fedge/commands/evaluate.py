"""`fedge eval` on a model file: the emitted network on labelled pictures."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedge.commands.evaluate_text import describe_doubt
from fedge.data.dataset import Classes, Split
from fedge.data.fashion_mnist import NAME
from fedge.data.label_map import read_label_map
from fedge.data.load import load_for_evaluation, was_learned
from fedge.errors import DataError
from fedge.evaluation.fitness import judge
from fedge.evaluation.metrics import evaluate, expected_calibration_error
from fedge.evaluation.mistakes_page import NO_OBJECT, UNSURE, WRONG, Worst, page, worst_first
from fedge.evaluation.selective import by_mode, coverage_curve
from fedge.images.image_statistics import describe_shift, looks, shift
from fedge.model.classifier import Classifier, load
from fedge.model.confidence import Flags, Floats, answered, certainty
from fedge.options import DEFAULT_REJECT, REJECT_MODES
from fedge.system.files import write_bytes
from fedge.system.progress import Progress

_LEARNED = {
    "fit": "undecided",
    "pictures_needed": None,
    "text": "the model learned from these very pictures: whether it is fit for this camera is to be shown on others",
}


@dataclass(frozen=True)
class Answers:
    """What a classifier says of the pictures of a split.

    Attributes:
        probabilities: calibrated, [n, classes].
        scores: the largest of each, [n].
        predicted: the class of that, int64 [n].
        truth: what to count it against, int64 [n]: the predicted class wherever it is a right one.
    """

    probabilities: Floats
    scores: Floats
    predicted: Classes
    truth: Classes

    @property
    def right(self) -> Flags:
        """Whether the likeliest class is a right one, [n]."""
        return np.asarray(self.predicted == self.truth)


def evaluate_model(
    model: str, data: str | None, label_map: Path | None, worst_page: Path | None = None
) -> dict[str, Any]:
    """Evaluates a model file on `data`, or on what it was trained on where that can be found by its name.

    Where the pictures are not those of a packaged data set, the report says whether the model is fit for the camera
    that took them, unless it learned from these very pictures. With `worst_page`, a page of the worst pictures is
    written there.

    Raises DataError where the data cannot be found, or has classes that the model does not have.
    """
    classifier = load(model)
    training = classifier.model.manifest.training
    trained_on = training.data
    if data is None and trained_on != NAME:
        raise DataError(f"the model was trained on {trained_on}", "say with --data which pictures to evaluate it on")
    chosen = data or trained_on
    recipe = classifier.model.manifest.preprocessing
    split, skipped = load_for_evaluation(chosen, recipe, read_label_map(label_map), classifier.labels)
    answers = answer(classifier, split)
    report = evaluate_answers(classifier, split, answers)
    report |= {"model": classifier.model.manifest.name, "data": chosen, "skipped": skipped, "verdict": None}
    if chosen != NAME:
        share = training.test_share
        learned = share is not None and was_learned(split, recipe, classifier.labels, training.data_sha256, share)
        report["verdict"] = _verdict(report) | (_LEARNED if learned else {})
    if worst_page is not None:
        write_bytes(worst_page, _page(classifier, split, answers, report).encode(errors="backslashreplace"))
    return report


def answer(classifier: Classifier, split: Split) -> Answers:
    """Runs the network over a split."""
    logits = np.empty((len(split), len(classifier.labels)), dtype=classifier.model.manifest.output.dtype)
    with Progress("evaluating", len(split)) as progress:
        for i, image in enumerate(split.images):
            logits[i] = classifier.logits(image)
            progress.advance(1)
    probabilities = classifier.probabilities(logits)
    predicted = logits.argmax(axis=1).astype(np.int64)
    return Answers(probabilities, certainty(probabilities), predicted, split.truth(predicted))


def evaluate_answers(classifier: Classifier, split: Split, answers: Answers) -> dict[str, Any]:
    """The figures of an evaluation.

    `accuracy`, `n`, `per_class` and `confusion` count each picture's likeliest class; `ece`; `rejected`, the share that
    `fedge run` refuses; `by_mode`, coverage and accuracy of what is answered, over all and by true class; `curve`,
    error against coverage; `no_object`, in how many pictures none was found; `looks` of the pictures, and by how many
    standard deviations of the training pictures they are off, as `shift` (empty where nothing is seen) and in words as
    `shift_text`.
    """
    manifest = classifier.model.manifest
    confidence, recipe = manifest.confidence, manifest.preprocessing
    report = dataclasses.asdict(evaluate(answers.truth, answers.predicted, classifier.labels))
    modes = by_mode(confidence, answers.scores, answers.right, split.empty)
    for mode in REJECT_MODES:
        given = answered(confidence, mode, answers.scores, split.empty)
        modes[mode]["per_class"] = {
            label: _given(given[answers.truth == i], answers.right[answers.truth == i])
            for i, label in enumerate(classifier.labels)
            if np.any(answers.truth == i)
        }
    seen = looks(recipe, split.images)
    shifts = shift(seen, manifest.training.looks)
    return report | {
        "labels": list(classifier.labels),
        "ece": expected_calibration_error(answers.probabilities, answers.truth),
        "rejected": 1 - modes[DEFAULT_REJECT]["coverage"],
        "by_mode": modes,
        "curve": coverage_curve(np.where(split.empty, 0.0, answers.scores), answers.right),
        "no_object": int(split.empty.sum()),
        "looks": dataclasses.asdict(seen),
        "shift": shifts,
        "shift_text": describe_shift(shifts),
    }


def _given(given: Flags, right: Flags) -> dict[str, float | None]:
    return {"coverage": float(given.mean()), "accuracy": float(right[given].mean()) if given.any() else None}


def _verdict(report: dict[str, Any]) -> dict[str, Any]:
    counts = report["by_mode"][DEFAULT_REJECT]
    recall = {label: (row["recall"], row["support"]) for label, row in report["per_class"].items()}
    return dataclasses.asdict(judge(report["n"], counts["answered"], counts["right"], recall))


def _page(classifier: Classifier, split: Split, answers: Answers, report: dict[str, Any]) -> str:
    labels = classifier.labels
    given = answered(classifier.model.manifest.confidence, DEFAULT_REJECT, answers.scores, split.empty)
    shown = [
        Worst(
            split.names[i],
            split.raw_picture(i),
            split.images[i],
            " or ".join(label for label, right in zip(labels, split.right[i], strict=True) if right),
            labels[answers.predicted[i]],
            float(answers.scores[i]),
            WRONG if given[i] else NO_OBJECT if split.empty[i] else UNSURE,
        )
        for i in worst_first(answers.scores, answers.right, given)
    ]
    summary = [f"accuracy {report['accuracy']:.2%} on {report['n']:,} pictures of {report['data']}"]
    summary += describe_doubt(report)
    return page(f"The worst pictures of {report['model']}", summary, shown)

"""`fedge eval` on a model file: the emitted network on labelled pictures."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fedge.commands.evaluate_report import ClassFigures, EvaluationReport, Rejection, rejection_lines
from fedge.data.dataset import Classes, Split
from fedge.data.fashion_mnist import NAME
from fedge.data.label_map import read_label_map
from fedge.data.load import load_for_evaluation
from fedge.data.three_splits import was_learned
from fedge.errors import DataError
from fedge.evaluation.fitness import Fitness, assess_fitness
from fedge.evaluation.metrics import evaluate_predictions, expected_calibration_error
from fedge.evaluation.mistakes_page import NO_OBJECT, UNSURE, WRONG, Mistake, order_mistakes, page
from fedge.evaluation.selective import by_mode, coverage_curve
from fedge.images.image_statistics import image_statistics, shift
from fedge.model.classifier import Classifier, load
from fedge.model.confidence import Flags, Floats, answered
from fedge.options import DEFAULT_REJECT, REJECT_MODES, RejectMode
from fedge.system.files import write_bytes
from fedge.system.progress import Progress

_LEARNED = "the model learned from these very pictures: whether it is fit for this camera is to be shown on others"


@dataclass(frozen=True)
class Answers:
    """What a classifier says of the pictures of a split.

    Attributes:
        probabilities: calibrated, [n, classes].
        scores: what decides whether the answer is given, 0..1, [n].
        predicted: the likeliest class, int64 [n].
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
    model: str, data: str | None, label_map: Path | None, mistakes_page: Path | None = None
) -> EvaluationReport:
    """Evaluates a model file on `data`, or on what it was trained on where that can be found by its name.

    Where the pictures are not those of a packaged data set, the report says whether the model is fit for the camera
    that took them, unless it learned from these very pictures. With `mistakes_page`, a page of the worst pictures is
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
    report = dataclasses.replace(evaluate_answers(classifier, split, answers), data=chosen, skipped=tuple(skipped))
    if chosen != NAME:
        fitness = _fitness(report)
        share = training.test_share
        if share is not None and was_learned(split, recipe, classifier.labels, training.data_sha256, share):
            fitness = dataclasses.replace(fitness, fit="undecided", pictures_needed=None, text=_LEARNED)
        report = dataclasses.replace(report, verdict=fitness)
    if mistakes_page is not None:
        write_bytes(mistakes_page, _page(classifier, split, answers, report).encode(errors="backslashreplace"))
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
    return Answers(probabilities, classifier.scores(logits), predicted, split.truth(predicted))


def evaluate_answers(classifier: Classifier, split: Split, answers: Answers) -> EvaluationReport:
    """The figures of an evaluation, without the data's name and the verdict."""
    manifest = classifier.model.manifest
    modes = by_mode(manifest.confidence, answers.scores, answers.right, split.empty)
    seen = image_statistics(manifest.preprocessing, split.images)
    rejection = Rejection(
        by_mode=modes,
        per_class={mode: _per_class(classifier, split, answers, mode) for mode in REJECT_MODES},
        curve=coverage_curve(np.where(split.empty, 0.0, answers.scores), answers.right),
        no_object=int(split.empty.sum()),
        statistics=seen,
        shift=shift(seen, manifest.training.looks),
    )
    return EvaluationReport(
        model=manifest.name,
        data="",
        skipped=(),
        evaluation=evaluate_predictions(answers.truth, answers.predicted, classifier.labels),
        ece=expected_calibration_error(answers.probabilities, answers.truth),
        rejected=1 - modes[DEFAULT_REJECT].coverage,
        rejection=rejection,
    )


def _per_class(classifier: Classifier, split: Split, answers: Answers, mode: RejectMode) -> dict[str, ClassFigures]:
    given = answered(classifier.model.manifest.confidence, mode, answers.scores, split.empty)
    figures = {}
    for i, label in enumerate(classifier.labels):
        members = answers.truth == i
        if members.any():
            right = answers.right[members & given]
            figures[label] = ClassFigures(float(given[members].mean()), float(right.mean()) if right.size else None)
    return figures


def _fitness(report: EvaluationReport) -> Fitness:
    assert report.rejection is not None
    figures = report.rejection.by_mode[DEFAULT_REJECT]
    recall = {label: (row.recall, row.support) for label, row in report.evaluation.per_class.items()}
    return assess_fitness(report.evaluation.n, figures.answered, figures.right, recall)


def _page(classifier: Classifier, split: Split, answers: Answers, report: EvaluationReport) -> str:
    labels = classifier.labels
    given = answered(classifier.model.manifest.confidence, DEFAULT_REJECT, answers.scores, split.empty)
    shown = [
        Mistake(
            split.names[i],
            split.raw_picture(i),
            split.images[i],
            " or ".join(label for label, right in zip(labels, split.right[i], strict=True) if right),
            labels[answers.predicted[i]],
            float(answers.probabilities[i].max()),
            WRONG if given[i] else NO_OBJECT if split.empty[i] else UNSURE,
        )
        for i in order_mistakes(answers.scores, answers.right, given)
    ]
    evaluation, rejection = report.evaluation, report.rejection
    summary = [f"accuracy {evaluation.accuracy:.2%} on {evaluation.n:,} pictures of {report.data}"]
    summary += rejection_lines(rejection, report.verdict) if rejection else []
    return page(f"The worst pictures of {report.model}", summary, shown)

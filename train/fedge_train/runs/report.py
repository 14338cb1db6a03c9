"""A finished run's report: the test split, touched here for the first time if at all, and pictures that show it."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import classification_report
from tf_keras import Model

from fedge.data.dataset import Dataset, JudgedOn, Split
from fedge.evaluation.metrics import Evaluation, evaluate_predictions
from fedge.model.confidence import softmax
from fedge.model.format.schema import to_json
from fedge.system.files import write_bytes, write_json
from fedge.system.json_types import JsonObject
from fedge_train.networks.extractor_network import parameters_of
from fedge_train.networks.predict import predictor
from fedge_train.runs.enough import EnoughReport
from fedge_train.runs.history import Epoch
from fedge_train.runs.page import write_page
from fedge_train.runs.plots import GRID, plot_confusion, plot_curves, plot_samples
from fedge_train.runs.run_folder import HISTORY, HISTORY_CSV, REPORT, RunConfig


@dataclass(frozen=True)
class Outcome:
    """How a run's weights came about.

    Attributes:
        epochs: epochs trained; of a mean, those of its runs together.
        held_out_accuracy: of the weights on the held-out pictures, 0..1.
        seconds: how long training took; of a mean, that of its runs together.
        best_epoch: the epoch whose weights were kept, from 1; 0 for a head on a frozen backbone; None for a mean.
        averaged: the folders of the runs whose mean it is; none for a run that was trained.
    """

    epochs: int
    held_out_accuracy: float
    seconds: float
    best_epoch: int | None = None
    averaged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """Pictures, and the logits that were answered to them, float32 [n, classes]."""

    split: Split
    logits: NDArray[np.float32]


@dataclass(frozen=True)
class TrainReport:
    """A finished run's report.

    Attributes:
        architecture, data, parameters, dtype, seed: what was trained, on what, and how.
        outcome: how the weights came about.
        evaluation: of the float network on the pictures of `judged_on`.
        judged_on: the test split; or the held-out one, where the test pictures stay closed.
        final_fit: of a last fit, the run that held pictures out. Figures of these are of that run's answers.
        by_scikit_learn, text: scikit-learn's classification report, as a dict and as text.
        pictures: how many each split has, by its name.
        skipped, duplicates: files that could not be read, and pictures left out because a later split has them too.
        doubtful: files that were read and have something odd about them, with what it is.
        warnings: what is odd about the data set as a whole.
        run: the run's folder.
        enough: what heads on a backbone say of the pictures, where there are such heads.
    """

    architecture: str
    data: str
    parameters: int
    outcome: Outcome
    evaluation: Evaluation
    by_scikit_learn: dict[str, dict[str, float] | float]
    text: str
    pictures: dict[str, int]
    skipped: tuple[str, ...]
    duplicates: tuple[str, ...]
    doubtful: tuple[str, ...]
    warnings: tuple[str, ...]
    dtype: str
    seed: int
    run: str
    enough: EnoughReport | None = None
    judged_on: JudgedOn = "test"
    final_fit: str | None = None


def as_text(report: TrainReport) -> str:
    """The report for people: scikit-learn's table, the accuracies, and the next command."""
    outcome, is_open = report.outcome, report.judged_on == "test"
    whose = "test accuracy" if is_open else "held-out accuracy"
    if report.final_fit and not is_open:
        whose += f" of {report.final_fit}"
    accuracy = f"{whose} {report.evaluation.accuracy:.2%}"
    if outcome.averaged and is_open:
        accuracy = f"held out {outcome.held_out_accuracy:.2%}, {accuracy}"
    if outcome.averaged:
        accuracy = f"the mean of {' and '.join(outcome.averaged)}: {accuracy}"
    elif outcome.epochs:
        accuracy += f", best epoch {outcome.best_epoch} of {outcome.epochs}"
    enough = "".join(f"{sentence}\n" for sentence in report.enough.sentences) if report.enough else ""
    closed = "" if is_open else "the test pictures were not opened; fedge quantize without --no-test measures on them\n"
    flag = "" if is_open or report.final_fit else " --no-test"
    return f"{report.text}\n{accuracy}\n{closed}{enough}next: fedge quantize {report.run}{flag}"


def as_json(report: TrainReport) -> JsonObject:
    """The content of report.json: `best_epoch` of a run that was trained, `averaged` of a mean."""
    outcome = report.outcome
    best_epoch: JsonObject = {} if outcome.averaged else {"best_epoch": outcome.best_epoch}
    averaged: JsonObject = {"averaged": list(outcome.averaged)} if outcome.averaged else {}
    return {
        "architecture": report.architecture,
        "data": report.data,
        "parameters": report.parameters,
        "epochs": outcome.epochs,
        **best_epoch,
        "held_out_accuracy": outcome.held_out_accuracy,
        "seconds": outcome.seconds,
        **averaged,
        "judged_on": report.judged_on,
        **to_json(report.evaluation),
        "classification_report": report.by_scikit_learn,
        "classification_report_text": report.text,
        "pictures": report.pictures,
        "skipped": list(report.skipped),
        "duplicates": list(report.duplicates),
        "doubtful": list(report.doubtful),
        "warnings": list(report.warnings),
        "dtype": report.dtype,
        "seed": report.seed,
        "run": report.run,
        **({"enough": to_json(report.enough)} if report.enough else {}),
        **({"final_fit": report.final_fit} if report.final_fit else {}),
    }


def write_history(folder: Path, history: Sequence[Epoch], best_epoch: int) -> None:
    """Writes every epoch's figures, as JSON and as CSV, and their curves."""
    rows = [dataclasses.asdict(epoch) for epoch in history]
    write_json(folder / HISTORY, rows)
    names = [field.name for field in dataclasses.fields(Epoch)]
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    write_bytes(folder / HISTORY_CSV, ("\n".join(lines) + "\n").encode())
    plot_curves(folder / "curves.png", history, best_epoch)


def write_report(
    folder: Path,
    config: RunConfig,
    model: Model,
    dataset: Dataset,
    outcome: Outcome,
    enough: EnoughReport | None = None,
    answers: Answers | None = None,
) -> TrainReport:
    """Evaluates the chosen weights on the test split, and writes the report and the plots to the run's folder.

    Where the test pictures are closed, the held-out ones take their place; or those of `answers`, given with what was
    answered to them, where the network has learned from the held-out ones too.
    """
    if answers is None or dataset.judged_on == "test":
        answers = Answers(dataset.judged, predictor(model)(dataset.judged.images))
    test, logits = answers.split, answers.logits
    predicted = logits.argmax(axis=-1)
    truth = test.truth(predicted)
    evaluation = evaluate_predictions(truth, predicted, dataset.labels)
    by_name = {
        "labels": range(len(dataset.labels)),
        "target_names": list(dataset.labels),
        "zero_division": 0,
    }
    report = TrainReport(
        architecture=config.architecture,
        data=dataset.name,
        parameters=parameters_of(model),
        outcome=outcome,
        evaluation=evaluation,
        by_scikit_learn=classification_report(truth, predicted, output_dict=True, **by_name),
        text=classification_report(truth, predicted, digits=4, **by_name),
        pictures={
            "train": len(dataset.train),
            "held_out": 0 if config.final_fit else len(dataset.held_out),
            "test": len(dataset.test),
        },
        skipped=tuple(dataset.skipped),
        duplicates=tuple(dataset.duplicates),
        doubtful=tuple(dataset.doubtful),
        warnings=tuple(dataset.warnings),
        dtype=config.dtype,
        seed=config.seed,
        run=str(folder),
        enough=enough,
        judged_on=dataset.judged_on,
        final_fit=config.final_fit,
    )
    plot_confusion(folder / "confusion.png", evaluation.confusion, dataset.labels)
    _plot_mistakes_first(folder / "samples.png", dataset, answers)
    # Last, because its presence says that the run is finished.
    write_json(folder / REPORT, as_json(report))
    write_page(folder)
    return report


def _plot_mistakes_first(path: Path, dataset: Dataset, answers: Answers) -> None:
    test, logits, labels = answers.split, answers.logits, dataset.labels
    probabilities = softmax(logits.astype(np.float64))
    predicted, confidence = probabilities.argmax(axis=-1), probabilities.max(axis=-1)
    wrong = predicted != test.truth(predicted)
    mistakes = np.flatnonzero(wrong)[np.argsort(-confidence[wrong], kind="stable")]
    cells = GRID[0] * GRID[1]
    right = np.flatnonzero(~wrong)
    mistakes_shown = mistakes[: max(cells * 2 // 3, cells - len(right))]
    spread = np.linspace(0, len(right) - 1, min(len(right), cells - len(mistakes_shown))).astype(int)
    chosen = np.concatenate([mistakes_shown, right[spread]])
    captions = [
        f"{labels[predicted[i]]} {confidence[i]:.0%}" + (f"\ntrue: {labels[test.labels[i]]}" if wrong[i] else "")
        for i in chosen
    ]
    title = f"{dataset.name}: the surest mistakes first ({len(mistakes)} of {len(test)} are wrong)"
    plot_samples(path, test.images[chosen], captions, wrong[chosen].tolist(), title)

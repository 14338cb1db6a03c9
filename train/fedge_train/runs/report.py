"""A finished run's report: the test split, touched here for the first time, and the pictures that show it."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import classification_report
from tf_keras import Model

from fedge.data.dataset import Dataset
from fedge.evaluation.metrics import evaluate
from fedge.model.confidence import softmax
from fedge.system.files import write_bytes, write_json
from fedge_train.networks.predict import predictor
from fedge_train.runs.history import Epoch
from fedge_train.runs.page import write_page
from fedge_train.runs.plots import GRID, plot_confusion, plot_curves, plot_samples
from fedge_train.runs.run_folder import HISTORY, HISTORY_CSV, REPORT, RunConfig


def write_history(folder: Path, history: Sequence[Epoch], best_epoch: int) -> None:
    """Writes every epoch's figures, as JSON and as CSV, and their curves."""
    rows = [dataclasses.asdict(epoch) for epoch in history]
    write_json(folder / HISTORY, rows)
    names = [field.name for field in dataclasses.fields(Epoch)]
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    write_bytes(folder / HISTORY_CSV, ("\n".join(lines) + "\n").encode())
    plot_curves(folder / "curves.png", history, best_epoch)


def write_report(
    folder: Path, config: RunConfig, model: Model, dataset: Dataset, training: Mapping[str, Any]
) -> dict[str, Any]:
    """Evaluates the chosen weights on the test split and writes report and plots; gives the report.

    `training` is what the report says of how the weights came about: `epochs`, `held_out_accuracy`, `seconds`.
    """
    test = dataset.test
    logits = predictor(model)(test.images)
    predicted = logits.argmax(axis=-1)
    truth = test.truth(predicted)
    figures = evaluate(truth, predicted, dataset.labels)
    by_name = {
        "labels": range(len(dataset.labels)),
        "target_names": list(dataset.labels),
        "zero_division": 0,
    }
    report = {
        "architecture": config.architecture,
        "data": dataset.name,
        "parameters": int(model.count_params()),
        **training,
        "accuracy": figures.accuracy,
        "n": figures.n,
        "per_class": figures.per_class,
        "confusion": figures.confusion,
        "classification_report": classification_report(truth, predicted, output_dict=True, **by_name),
        "classification_report_text": classification_report(truth, predicted, digits=4, **by_name),
        "pictures": {"train": len(dataset.train), "held_out": len(dataset.held_out), "test": len(test)},
        "skipped": list(dataset.skipped),
        "duplicates": list(dataset.duplicates),
        "dtype": config.dtype,
        "seed": config.seed,
        "run": str(folder),
    }
    plot_confusion(folder / "confusion.png", figures.confusion, dataset.labels)
    _plot_mistakes_first(folder / "samples.png", dataset, logits)
    # Last, because its presence says that the run is finished.
    write_json(folder / REPORT, report)
    write_page(folder)
    return report


def _plot_mistakes_first(path: Path, dataset: Dataset, logits: "np.ndarray[Any, Any]") -> None:
    test, labels = dataset.test, dataset.labels
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

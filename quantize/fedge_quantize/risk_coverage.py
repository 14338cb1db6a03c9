"""What the emitted file's doubt is worth, on test pictures: calibration, and error against coverage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fedge.data.dataset import Split
from fedge.evaluation.metrics import expected_calibration_error
from fedge.evaluation.selective import by_mode, coverage_curve
from fedge.model.confidence import Confidence, Floats
from fedge_train.runs.plots import plot_lines


def doubt_report(confidence: Confidence, logits: Floats, split: Split, sources: Sequence[str]) -> list[dict[str, Any]]:
    """For each source its name, `n`, `ece`, `by_mode` and `curve`; see `fedge.evaluation.selective`.

    Args:
        confidence: what was fitted on held-out pictures.
        logits: the emitted file's dequantized logits, [n, classes].
        split: the test pictures.
        sources: the sources' names, which `split.sources` counts from 0.
    """
    report = []
    probabilities = confidence.probabilities(logits)
    predicted = probabilities.argmax(axis=1)
    truth = split.truth(predicted)
    for number, name in enumerate(sources):
        here = np.flatnonzero(split.sources == number)
        if not len(here):
            continue
        scores, right = confidence.scores(logits[here]), predicted[here] == truth[here]
        report.append(
            {
                "source": name,
                "n": len(here),
                "ece": expected_calibration_error(probabilities[here], truth[here]),
                "by_mode": by_mode(confidence, scores, right, split.empty[here]),
                "curve": coverage_curve(np.where(split.empty[here], 0.0, scores), right),
            }
        )
    return report


def plot_doubt(path: Path, report: Sequence[dict[str, Any]]) -> None:
    """Draws the error among the most certain answers against their share, a line per source, the modes marked."""
    lines, marks = {}, {}
    for source in report:
        name = Path(source["source"]).name
        lines[name] = [(point["coverage"], point["error"]) for point in source["curve"]]
        marks[name] = {
            mode: (counts["coverage"], 1 - counts["accuracy"])
            for mode, counts in source["by_mode"].items()
            if counts["accuracy"] is not None
        }
    plot_lines(path, lines, marks, ("share of the test pictures that is answered", "error among these"))

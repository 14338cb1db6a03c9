"""What the emitted file's confidence is worth on test pictures: calibration, and the risk-coverage curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fedge.data.dataset import Split
from fedge.evaluation.metrics import expected_calibration_error
from fedge.evaluation.selective import CurvePoint, ModeFigures, by_mode, coverage_curve
from fedge.model.confidence import Confidence, Floats
from fedge.options import RejectMode
from fedge_train.runs.plots import plot_lines


@dataclass(frozen=True)
class SourceRiskCoverage:
    """Of one source's test pictures: how many, calibration error (0..1), what each mode answers, error by coverage."""

    source: str
    n: int
    ece: float
    by_mode: dict[RejectMode, ModeFigures]
    curve: tuple[CurvePoint, ...]


def risk_coverage_report(
    confidence: Confidence, logits: Floats, split: Split, sources: Sequence[str]
) -> tuple[SourceRiskCoverage, ...]:
    """What the confidence is worth on each source that has test pictures.

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
            SourceRiskCoverage(
                source=name,
                n=len(here),
                ece=expected_calibration_error(probabilities[here], truth[here]),
                by_mode=by_mode(confidence, scores, right, split.empty[here]),
                curve=coverage_curve(np.where(split.empty[here], 0.0, scores), right),
            )
        )
    return tuple(report)


def plot_risk_coverage(path: Path, report: Sequence[SourceRiskCoverage]) -> None:
    """Draws the error among the most certain answers against their share, a line per source, the modes marked."""
    lines, marks = {}, {}
    for source in report:
        name = Path(source.source).name
        lines[name] = [(point.coverage, point.error) for point in source.curve]
        marks[name] = {
            str(mode): (figures.coverage, 1 - figures.accuracy)
            for mode, figures in source.by_mode.items()
            if figures.accuracy is not None
        }
    plot_lines(path, lines, marks, ("share of the test pictures that is answered", "error among these"))

"""What `fedge adopt` reports, as text for people and as JSON."""

from dataclasses import dataclass

from fedge.evaluation.metrics import Evaluation
from fedge.model.format.schema import to_json
from fedge.model.manifest import ParityFacts
from fedge.system.json_types import JsonObject


@dataclass(frozen=True)
class AdoptReport:
    """A classifier made elsewhere that was written as a model file, and how well it does.

    Attributes:
        evaluation: on the half of the pictures that chose nothing.
        model: the model file's path.
        bytes: its size.
        labels: the classes, in output order.
        scale, order, fit: how it takes a picture: the range of its values, their colour order, how it fills the input.
        output: what it gives: `logits` or `probabilities`.
        fitted_to: how many pictures, the other half, chose preprocessing, temperature and thresholds.
        temperature: what logits are divided by before softmax.
        parity: the gate's figures; None where there was no float network to hold it against.
        accepted: whether the gate let it pass; False without such a network too.
    """

    evaluation: Evaluation
    model: str
    bytes: int
    labels: tuple[str, ...]
    scale: str
    order: str
    fit: str
    output: str
    fitted_to: int
    temperature: float
    parity: ParityFacts | None
    accepted: bool


def as_text(report: AdoptReport) -> str:
    """The report for people: accuracy by class, how it takes a picture, what int8 lost, and the next command."""
    evaluation, parity = report.evaluation, report.parity
    width = max(map(len, report.labels))
    rows = [
        f"  {label:{width}} {row.recall:7.1%} of {row.support:,}"
        for label, row in evaluation.per_class.items()
        if row.support
    ]
    held = (
        f"int8 against its float parent: drop {parity.drop_pp:.2f} points, with 95% confidence at most "
        f"{parity.drop_upper95_pp:.2f} (allowed {parity.max_drop_pp:g}); same answer {parity.agreement:.2%}"
        if parity
        else "no float parent was given: what int8 lost is not known (--float)"
    )
    return "\n".join(
        [
            f"right on {evaluation.accuracy:.1%} of {evaluation.n:,} pictures that chose nothing:",
            *rows,
            f"takes {report.scale} {report.order} {report.fit}, gives {report.output}; temperature "
            f"{report.temperature:.2f} fitted to {report.fitted_to:,} other pictures",
            held,
            f"{report.model}: {report.bytes:,} bytes",
            f"next: fedge run {report.model} --camera",
        ]
    )


def as_json(report: AdoptReport) -> JsonObject:
    """The fields of `Evaluation` beside the report's others."""
    fields = to_json(report)
    del fields["evaluation"]
    return to_json(report.evaluation) | fields

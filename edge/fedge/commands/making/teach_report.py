"""What `fedge teach` reports, as text for people and as JSON."""

from dataclasses import dataclass

from fedge.evaluation.parity import Parity
from fedge.making.frames import Changed
from fedge.model.format.schema import to_json
from fedge.model.manifest import Proof
from fedge.system.json_types import JsonObject


@dataclass(frozen=True)
class TeachReport:
    """A model file that was taught and written, and what its gate found.

    Attributes:
        parity: the float head on the backbone's int8 features, and the file, on the test pictures.
        model: the model file's path.
        bytes: its size.
        labels: the classes, in output order.
        learned_from: how many pictures the head learned from.
        out_of_fold_accuracy: the share of these, 0..1, that heads which had not learned the picture have right.
        strength: the inverse strength of the L2 penalty that was chosen.
        max_drop_pp: how much accuracy might be lost, in percentage points.
        accepted: whether the gate let it pass; False only with `--unproved`.
        proof: which pictures showed that no more was lost, or `none`.
        frames: how many answers to the pictures without labels changed; None where none were given.
        skipped: files that could not be read.
        seconds: how long all of it took.
    """

    parity: Parity
    model: str
    bytes: int
    labels: tuple[str, ...]
    learned_from: int
    out_of_fold_accuracy: float
    strength: float
    max_drop_pp: float
    accepted: bool
    proof: Proof
    frames: Changed | None
    skipped: tuple[str, ...]
    seconds: float


def as_text(report: TeachReport) -> str:
    """The report for people: what was learned, what int8 lost, the file, and the next command."""
    parity = report.parity
    unproved = "UNPROVED: nothing showed that int8 lost so little\n" if report.proof == "none" else ""
    return (
        f"learned {', '.join(report.labels)} from {report.learned_from:,} pictures in {report.seconds:.0f} s; "
        f"right on {report.out_of_fold_accuracy:.1%} of them when left out, and on {parity.int8_accuracy:.1%} of "
        f"{parity.n:,} test pictures\n"
        f"int8 against the float head: drop {parity.drop_pp:.2f} points, with 95% confidence at most "
        f"{parity.drop_upper95_pp:.2f} (allowed {report.max_drop_pp:g}); same answer {parity.agreement:.2%}\n"
        f"{unproved}{report.model}: {report.bytes:,} bytes\n"
        f"next: fedge run {report.model} --camera"
    )


def as_json(report: TeachReport) -> JsonObject:
    """The fields of `Parity` beside the report's others."""
    fields = to_json(report)
    del fields["parity"]
    return to_json(report.parity) | fields

"""What `fedge quantize` reports, as text for people and as JSON."""

from dataclasses import dataclass

from fedge.data.dataset import JudgedOn
from fedge.evaluation.parity import Parity
from fedge.making.frames import Changed
from fedge.model.confidence import Confidence
from fedge.model.description import PICTURES_OF
from fedge.model.format.schema import to_json
from fedge.model.manifest import Proof
from fedge.system.json_types import JsonObject
from fedge_quantize.candidates import Method
from fedge_quantize.risk_coverage import SourceRiskCoverage


@dataclass(frozen=True)
class Calibration:
    """The pictures that post-training quantization measured ranges on: how many, and their SHA-256."""

    pictures: int
    sha256: str


@dataclass(frozen=True)
class QuantizeReport:
    """What a candidate for the model file lost, and whether the gate let it pass.

    Attributes:
        parity: the float and the int8 network on the pictures of `judged_on`.
        max_drop_pp: what may be lost, in percentage points.
        accepted: whether the loss was shown to be no more.
        method: how the network was quantized.
        methods_before_the_gate: the methods whose candidates the gate saw, this one last.
        bytes: the size of the network.
        calibration, confidence: what the network and its answers were calibrated with.
        model: the model file's path; None where none was written.
        risk_coverage: calibration, and error against coverage, by source of the test pictures.
        proof: which pictures showed that no more was lost, or `none`.
        frames: how many answers to the pictures without labels changed; None where none were given.
        by_folds: the float and the int8 network on all labelled pictures, none of which they had learned; None where
            the test pictures were enough, or no head was learned on a backbone.
        judged_on: the test split; or the held-out one, where the test pictures stay closed.
    """

    parity: Parity
    max_drop_pp: float
    accepted: bool
    method: Method
    methods_before_the_gate: tuple[Method, ...]
    bytes: int
    calibration: Calibration
    confidence: Confidence
    model: str | None
    risk_coverage: tuple[SourceRiskCoverage, ...]
    proof: Proof
    frames: Changed | None
    by_folds: Parity | None = None
    judged_on: JudgedOn = "test"


def as_text(report: QuantizeReport) -> str:
    """The report of a model file that was written, for people: what was lost, the file, and the next command."""
    parity = report.parity
    pictures = f"{parity.n:,} {PICTURES_OF[report.judged_on]}"
    unproved = "UNPROVED: nothing showed that it lost so little\n" if report.proof == "none" else ""
    return (
        f"float {parity.float_accuracy:.2%}, int8 {parity.int8_accuracy:.2%} on {pictures}\n"
        f"drop {parity.drop_pp:.2f} points, with 95% confidence at most {parity.drop_upper95_pp:.2f} "
        f"(allowed {report.max_drop_pp:g}); same answer {parity.agreement:.2%}\n"
        f"{_by_folds(report)}{unproved}"
        f"{report.model}: {report.bytes:,} bytes of {report.method} int8\n"
        f"next: fedge run {report.model} --camera"
    )


def _by_folds(report: QuantizeReport) -> str:
    found = report.by_folds
    if found is None:
        return ""
    return (
        f"on all {found.n:,} labelled pictures, each by networks that had not learned it: drop {found.drop_pp:.2f}, at "
        f"most {found.drop_upper95_pp:.2f}\n"
    )


def as_json(report: QuantizeReport) -> JsonObject:
    """The fields of `Parity` and of the report; `doubt` is its `risk_coverage`."""
    return {
        **to_json(report.parity),
        "max_drop_pp": report.max_drop_pp,
        "accepted": report.accepted,
        "method": report.method,
        "methods_before_the_gate": list(report.methods_before_the_gate),
        "bytes": report.bytes,
        "calibration": to_json(report.calibration),
        "confidence": to_json(report.confidence),
        "model": report.model,
        "doubt": [to_json(source) for source in report.risk_coverage],
        "proof": report.proof,
        "judged_on": report.judged_on,
        "out_of_fold": to_json(report.by_folds) if report.by_folds else None,
        "frames": to_json(report.frames) if report.frames else None,
    }

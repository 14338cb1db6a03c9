"""What `fedge backbone` reports, as text for people and as JSON."""

from dataclasses import dataclass

from fedge.model.format.schema import to_json
from fedge.system.json_types import JsonObject


@dataclass(frozen=True)
class BackboneReport:
    """A backbone file that was written.

    Attributes:
        path: where it is.
        bytes: its size.
        features: how many it gives.
        calibration: what pictures the int8 ranges were read from.
        feature_error: as in `BackboneManifest`; None where no float network is known.
        tolerance: by how many int8 steps a feature may differ in the self-test.
    """

    path: str
    bytes: int
    features: int
    calibration: str
    feature_error: float | None
    tolerance: int


def as_text(report: BackboneReport) -> str:
    """The report for people: the file, how far int8 features are from float ones, and the next command."""
    error = report.feature_error
    far = "" if error is None else f", {error:.1%} away from the float ones on {report.calibration}"
    return (
        f"{report.path}: {report.bytes:,} bytes, {report.features:,} features{far}\n"
        f"next: fedge teach {report.path} --data photos"
    )


def as_json(report: BackboneReport) -> JsonObject:
    """The fields of `BackboneReport`."""
    return to_json(report)

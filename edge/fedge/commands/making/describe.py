"""What `fedge info` says of backbones and of classifiers from elsewhere."""

from fedge.making.backbone import BackboneManifest
from fedge.model.description import PROOFS
from fedge.model.manifest import AdoptedManifest


def backbone_lines(manifest: BackboneManifest) -> list[str]:
    """A backbone's facts, line by line."""
    recipe, error = manifest.preprocessing, manifest.feature_error
    far = "" if error is None else f", {error:.1%} away from the float ones"
    return [
        "kind       a backbone: teach it classes with `fedge teach`",
        f"input      {recipe.width}x{recipe.height} {recipe.color}, {recipe.fit}",
        f"features   {manifest.output.classes:,}{far}",
        f"weights    {manifest.architecture}, {manifest.parameters:,} parameters, of {manifest.weights}",
        f"calibrated on {manifest.calibration_pictures} pictures of {manifest.calibration}",
        f"format     {manifest.format}, needs fedge {manifest.least_fedge} or later",
    ]


def adopted_lines(manifest: AdoptedManifest) -> list[str]:
    """The facts of a classifier from elsewhere, line by line."""
    facts, recipe, parity, confidence = manifest.adopted, manifest.preprocessing, manifest.parity, manifest.confidence
    held = (
        f"drop {parity.drop_pp:.2f} points, at most {parity.drop_upper95_pp:.2f} (95%), same answer "
        f"{parity.agreement:.2%}; {PROOFS[parity.proof]}"
        if parity
        else "held against no float network"
    )
    return [
        f"kind       made elsewhere ({facts.file})",
        f"input      {recipe.width}x{recipe.height} {manifest.input.color_order}, {recipe.fit}, {manifest.input.dtype}",
        f"output     {manifest.output.dtype} {manifest.output.kind}",
        f"accuracy   {facts.accuracy:.2%} on {facts.n:,} pictures of {facts.data}",
        f"parity     {held}",
        f"confidence temperature {confidence.temperature:.3f}, unknown below {confidence.reject_below.normal:.2f}, "
        f"strictly {confidence.reject_below.strict:.2f}",
        f"format     {manifest.format}, needs fedge {manifest.least_fedge} or later",
    ]

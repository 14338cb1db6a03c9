"""`fedge info`: what is in a model file, and which model to choose."""

from dataclasses import dataclass
from pathlib import Path

from fedge.commands.making.describe import adopted_lines, backbone_lines
from fedge.making.backbone import BackboneManifest, is_backbone, read_backbone
from fedge.model import file as model_file
from fedge.model.description import MADE_FOR, PICTURES_OF, SUBJECTS, TRAINED_ON, by_recipe, learned_from, proved
from fedge.model.format.schema import to_json
from fedge.model.manifest import AdoptedManifest, Manifest
from fedge.model.shipped import DEFAULT, find_model, shipped_models
from fedge.system.console import printable
from fedge.system.json_types import JsonObject


@dataclass(frozen=True)
class ModelInfo:
    """What is in a model file: its path, its size in bytes, its labels in output order and its manifest.

    A backbone has no labels.
    """

    path: Path
    bytes: int
    labels: tuple[str, ...]
    manifest: Manifest | AdoptedManifest | BackboneManifest


@dataclass(frozen=True)
class ShippedInfo:
    """The models that come with fedge, and the name of the default one."""

    default: str
    models: tuple[ModelInfo, ...]


def model_info(model: str) -> ModelInfo:
    """Reads a model file, a path or a shipped model's name; no interpreter is loaded."""
    path = find_model(model)
    if is_backbone(path):
        return ModelInfo(path, path.stat().st_size, (), read_backbone(path).manifest)
    content = model_file.read(path)
    return ModelInfo(path, path.stat().st_size, content.labels, content.manifest)


def shipped_info() -> ShippedInfo:
    """Reads each shipped model."""
    return ShippedInfo(DEFAULT, tuple(model_info(str(path)) for path in shipped_models().values()))


def as_text(report: ModelInfo | ShippedInfo) -> str:
    """The report for people: a model's facts, or two lines per shipped model."""
    if isinstance(report, ShippedInfo):
        return _list(report) or "no model is shipped"
    manifest = report.manifest
    if not isinstance(manifest, Manifest):
        lines = backbone_lines(manifest) if isinstance(manifest, BackboneManifest) else adopted_lines(manifest)
        lines = [f"{manifest.name}: {report.path}", f"size       {report.bytes:,} bytes", *lines]
        lines += [f"classes    {', '.join(report.labels)}"] if report.labels else []
        return "\n".join(map(printable, lines))
    recipe, training, parity, confidence = (
        manifest.preprocessing,
        manifest.training,
        manifest.parity,
        manifest.confidence,
    )
    learned = learned_from(training.start, training.teachers, training.averaged)
    lines = [
        f"{manifest.name}: {report.path}",
        f"size       {report.bytes:,} bytes, of which the network {manifest.flatbuffer.bytes:,}",
        f"input      {SUBJECTS[recipe.subject]}, {recipe.width}x{recipe.height} {recipe.color}, "
        f"{recipe.fit}, {recipe.polarity}",
        f"classes    {', '.join(report.labels)}",
        f"trained    {training.architecture}, {training.parameters:,} parameters, on {training.data}, "
        f"{training.epochs} epochs{learned}, seed {training.seed}, "
        f"{TRAINED_ON[training.camera_like]}{_minutes(training.seconds)}",
        *([f"recipe     {by_recipe(training.recipe)}"] if training.recipe else []),
        f"accuracy   float {parity.float_accuracy:.2%}, int8 {parity.int8_accuracy:.2%} on {parity.n:,} "
        f"{PICTURES_OF[parity.judged_on]}",
        f"parity     drop {parity.drop_pp:.2f} points, at most {parity.drop_upper95_pp:.2f} (95%), "
        f"same answer {parity.agreement:.2%}, {parity.method}; {proved(parity)}",
        f"confidence temperature {confidence.temperature:.3f}, unknown where the {confidence.score}'s score is below "
        f"{confidence.reject_below.normal:.3f}, strictly {confidence.reject_below.strict:.3f}",
        f"format     {manifest.format}, needs fedge {manifest.least_fedge} or later",
    ]
    return "\n".join(map(printable, lines))


def as_json(report: ModelInfo | ShippedInfo) -> JsonObject:
    """Of a model `path`, `bytes`, `labels`, `subject` and the manifest's fields; of the shipped these as `models`."""
    if isinstance(report, ShippedInfo):
        return {"default": report.default, "models": [as_json(model) for model in report.models]}
    return {
        "path": str(report.path),
        "bytes": report.bytes,
        "labels": list(report.labels),
        "subject": report.manifest.preprocessing.subject,
        **to_json(report.manifest),
    }


def _list(report: ShippedInfo) -> str:
    """Each model in two lines: its figures, and what it sees and is made for."""
    width = max((len(model.manifest.name) for model in report.models), default=0)
    lines = []
    for manifest in (model.manifest for model in report.models if isinstance(model.manifest, Manifest)):
        training, recipe, parity = manifest.training, manifest.preprocessing, manifest.parity
        mark = " (default)" if manifest.name == report.default else ""
        made_for = MADE_FOR[training.camera_like].format(data=training.data)
        lines += [
            f"{manifest.name:{width}} {manifest.flatbuffer.bytes:>8,} bytes, int8 {parity.int8_accuracy:.2%} on "
            f"{parity.n:,} {PICTURES_OF[parity.judged_on]} of {training.data}{mark}",
            f"{'':{width}} for {made_for}; sees {SUBJECTS[recipe.subject]}, "
            f"{recipe.width}x{recipe.height} {recipe.color}",
        ]
    return "\n".join(map(printable, lines))


def _minutes(seconds: float | None) -> str:
    return "" if seconds is None else f", {seconds / 60:,.0f} minutes"

"""`fedge info`: what is in a model file, and which model to choose."""

from typing import Any

from fedge.making.backbone import is_backbone, read_backbone
from fedge.model import file as model_file
from fedge.model.description import MADE_FOR, PROOFS, SUBJECTS, TRAINED_ON, learned_from
from fedge.model.schema import to_json
from fedge.model.shipped import DEFAULT, find_model, shipped_models
from fedge.system.console import printable


def model_info(model: str) -> dict[str, Any]:
    """A model file's manifest and labels, its path, its size in bytes and its subject; no interpreter is loaded.

    Of a backbone file `backbone` holds the manifest.
    """
    path = find_model(model)
    if is_backbone(path):
        return {"path": str(path), "bytes": path.stat().st_size, "backbone": to_json(read_backbone(path).manifest)}
    content = model_file.read(path)
    manifest: dict[str, Any] = to_json(content.manifest)
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "labels": list(content.labels),
        "subject": content.manifest.preprocessing.subject,
        **manifest,
    }


def shipped_info() -> dict[str, Any]:
    """The same for each shipped model, and which is the default."""
    return {"default": DEFAULT, "models": [model_info(str(path)) for path in shipped_models().values()]}


def describe_info(report: dict[str, Any]) -> str:
    """The report as text."""
    if "models" in report:
        return _list(report["models"], report["default"]) or "no model is shipped"
    if "backbone" in report:
        return _backbone(report)
    if "adopted" in report:
        return _adopted(report)
    recipe, training, parity, confidence = (report[k] for k in ("preprocessing", "training", "parity", "confidence"))
    learned = learned_from(training["start"], training["teachers"], training["averaged"])
    return "\n".join(
        printable(line)
        for line in [
            f"{report['name']}: {report['path']}",
            f"size       {report['bytes']:,} bytes, of which the network {report['flatbuffer']['bytes']:,}",
            f"input      {SUBJECTS[report['subject']]}, {recipe['width']}x{recipe['height']} {recipe['color']}, "
            f"{recipe['fit']}, {recipe['polarity']}",
            f"classes    {', '.join(report['labels'])}",
            f"trained    {training['architecture']}, {training['parameters']:,} parameters, on {training['data']}, "
            f"{training['epochs']} epochs{learned}, seed {training['seed']}, "
            f"{TRAINED_ON[training['camera_like']]}{_minutes(training['seconds'])}",
            f"accuracy   float {parity['float_accuracy']:.2%}, int8 {parity['int8_accuracy']:.2%} on "
            f"{parity['n']:,} pictures",
            f"parity     drop {parity['drop_pp']:.2f} points, at most {parity['drop_upper95_pp']:.2f} (95%), "
            f"same answer {parity['agreement']:.2%}, {parity['method']}; {PROOFS[parity['proof']]}",
            f"confidence temperature {confidence['temperature']:.3f}, unknown below "
            f"{confidence['reject_below']['normal']:.2f}, strictly {confidence['reject_below']['strict']:.2f}",
            f"format     {report['format']}, needs fedge {report['least_fedge']} or later",
        ]
    )


def _adopted(report: dict[str, Any]) -> str:
    facts, recipe, parity, confidence = (report[k] for k in ("adopted", "preprocessing", "parity", "confidence"))
    given, result = report["input"], report["output"]
    held = (
        f"drop {parity['drop_pp']:.2f} points, at most {parity['drop_upper95_pp']:.2f} (95%), same answer "
        f"{parity['agreement']:.2%}; {PROOFS[parity['proof']]}"
        if parity
        else "held against no float network"
    )
    return "\n".join(
        printable(line)
        for line in [
            f"{report['name']}: {report['path']}, made elsewhere ({facts['file']})",
            f"size       {report['bytes']:,} bytes, of which the network {report['flatbuffer']['bytes']:,}",
            f"input      {recipe['width']}x{recipe['height']} {given['color_order']}, {recipe['fit']}, "
            f"{given['dtype']}",
            f"output     {result['dtype']} {result['kind']}",
            f"classes    {', '.join(report['labels'])}",
            f"accuracy   {facts['accuracy']:.2%} on {facts['n']:,} pictures of {facts['data']}",
            f"parity     {held}",
            f"confidence temperature {confidence['temperature']:.3f}, unknown below "
            f"{confidence['reject_below']['normal']:.2f}, strictly {confidence['reject_below']['strict']:.2f}",
            f"format     {report['format']}, needs fedge {report['least_fedge']} or later",
        ]
    )


def _backbone(report: dict[str, Any]) -> str:
    facts = report["backbone"]
    recipe = facts["preprocessing"]
    return "\n".join(
        printable(line)
        for line in [
            f"{facts['name']}: {report['path']}, a backbone: teach it classes with `fedge teach`",
            f"size       {report['bytes']:,} bytes, of which the network {facts['flatbuffer']['bytes']:,}",
            f"input      {recipe['width']}x{recipe['height']} {recipe['color']}, {recipe['fit']}",
            f"features   {facts['output']['classes']:,}, {facts['feature_error']:.1%} away from the float ones",
            f"weights    {facts['architecture']}, {facts['parameters']:,} parameters, of {facts['weights']}",
            f"calibrated on {facts['calibration_pictures']} pictures of {facts['calibration']}",
            f"format     {facts['format']}, needs fedge {facts['least_fedge']} or later",
        ]
    )


def _list(models: list[dict[str, Any]], default: str) -> str:
    """Each model in two lines: its figures, and what it is shown and made for."""
    width = max((len(model["name"]) for model in models), default=0)
    lines = []
    for model in models:
        training, recipe, parity = model["training"], model["preprocessing"], model["parity"]
        mark = " (default)" if model["name"] == default else ""
        made_for = MADE_FOR[training["camera_like"]].format(data=training["data"])
        lines += [
            f"{model['name']:{width}} {model['flatbuffer']['bytes']:>8,} bytes, int8 {parity['int8_accuracy']:.2%} on "
            f"{parity['n']:,} test pictures of {training['data']}{mark}",
            f"{'':{width}} for {made_for}; sees {SUBJECTS[model['subject']]}, "
            f"{recipe['width']}x{recipe['height']} {recipe['color']}",
        ]
    return "\n".join(map(printable, lines))


def _minutes(seconds: float | None) -> str:
    return "" if seconds is None else f", {seconds / 60:,.0f} minutes"

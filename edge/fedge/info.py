"""`fedge info`: what is in a model file."""

from typing import Any

from fedge import modelfile
from fedge.schema import to_json
from fedge.shipped import DEFAULT, find_model, shipped_models


def model_info(model: str) -> dict[str, Any]:
    """A model file's manifest and labels, its path and its size in bytes; no interpreter is loaded."""
    path = find_model(model)
    content = modelfile.read(path)
    manifest: dict[str, Any] = to_json(content.manifest)
    return {"path": str(path), "bytes": path.stat().st_size, "labels": list(content.labels), **manifest}


def shipped_info() -> dict[str, Any]:
    """The same for each shipped model, and which is the default."""
    return {"default": DEFAULT, "models": [model_info(str(path)) for path in shipped_models().values()]}


def describe_info(report: dict[str, Any]) -> str:
    """The report as text."""
    if "models" in report:
        lines = [_line(model, report["default"]) for model in report["models"]]
        return "\n".join(lines) or "no model is shipped"
    recipe, training, parity, confidence = (report[k] for k in ("preprocessing", "training", "parity", "confidence"))
    return "\n".join(
        [
            f"{report['name']}: {report['path']}",
            f"size       {report['bytes']:,} bytes, of which the network {report['flatbuffer']['bytes']:,}",
            f"input      {recipe['width']}x{recipe['height']} {recipe['color']}, {recipe['fit']}, {recipe['polarity']}",
            f"classes    {', '.join(report['labels'])}",
            f"trained    {training['architecture']}, {training['parameters']:,} parameters, on {training['data']}, "
            f"{training['epochs']} epochs, seed {training['seed']}",
            f"accuracy   float {parity['float_accuracy']:.2%}, int8 {parity['int8_accuracy']:.2%} on "
            f"{parity['n']:,} pictures",
            f"parity     drop {parity['drop_pp']:.2f} points, at most {parity['drop_upper95_pp']:.2f} (95%), "
            f"same answer {parity['agreement']:.2%}, {parity['method']}",
            f"confidence temperature {confidence['temperature']:.3f}, unknown below {confidence['reject_below']:.2f}",
            f"format     {report['format']}, needs fedge {report['least_fedge']} or later",
        ]
    )


def _line(model: dict[str, Any], default: str) -> str:
    parity = model["parity"]
    mark = " (default)" if model["name"] == default else ""
    return f"{model['name']:8} {model['flatbuffer']['bytes']:>8,} bytes  int8 {parity['int8_accuracy']:.2%}{mark}"

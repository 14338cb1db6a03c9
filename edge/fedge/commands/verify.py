"""`fedge verify`: the golden self-test on this machine."""

import dataclasses
from typing import Any

from fedge.errors import SelfTestFailed
from fedge.making.backbone import backbone_self_test, is_backbone, read_backbone
from fedge.model.classifier import load
from fedge.model.interpreter import probe
from fedge.model.self_test import self_test
from fedge.model.shipped import find_model


def verify_model(model: str | None) -> dict[str, Any]:
    """Runs the self-test of a model, or of a backbone, and gives its result."""
    path = find_model(model)
    if is_backbone(path):
        backbone = read_backbone(path)
        probe(backbone.flatbuffer)
        return dataclasses.asdict(backbone_self_test(backbone)) | {"model": backbone.manifest.name}
    classifier = load(path)
    return dataclasses.asdict(self_test(classifier)) | {"model": classifier.model.manifest.name}


def require_passed(report: dict[str, Any]) -> None:
    """Raises SelfTestFailed where the self-test did not pass."""
    if report["passed"]:
        return
    where = "preprocessing" if report["max_input_difference"] > report["input_tolerance"] else "the interpreter"
    raise SelfTestFailed(
        f"this machine does not give the golden answers of {report['model']}: {where} differs",
        "do not rely on the model here; install OpenCV and LiteRT of the versions in constraints.txt of fedge's source",
    )

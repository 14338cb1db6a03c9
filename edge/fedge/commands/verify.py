"""`fedge verify`: what was found of a model or a backbone, its text and JSON, and the refusal."""

import dataclasses

from fedge.errors import SelfTestFailed
from fedge.evaluation.verification import Verification, verify_model
from fedge.making.backbone import backbone_self_test, is_backbone, read_backbone
from fedge.model.interpreter import probe
from fedge.model.self_test import SelfTest
from fedge.model.shipped import find_model
from fedge.system.json_types import JsonObject

_COPY = "copy the file again, or make it again with `fedge quantize`"
_VERSIONS = "install OpenCV and LiteRT of the versions in constraints.txt of fedge's source; do not rely on it here"


def verify(model: str | None) -> Verification:
    """Runs the self-test of a model file, or of a backbone; raises ModelFileError where it is none or a later one."""
    path = find_model(model)
    if not is_backbone(path):
        return verify_model(model)
    backbone = read_backbone(path)
    probe(backbone.flatbuffer)
    test = backbone_self_test(backbone)
    reason = None if test.passed else "the self-test gives other features"
    return Verification(backbone.manifest.name, None if test.passed else "kernels", reason, test)


def as_text(found: Verification) -> str:
    """The result as text."""
    if found.test is None:
        return f"{found.model}: not loaded"
    test = found.test
    return (
        f"{test.n} golden pictures on {test.runtime}: inputs differ by at most {test.max_input_difference} of 256 "
        f"(allowed {test.input_tolerance}), logits by at most {test.max_logit_difference} "
        f"(allowed {test.logit_tolerance})"
    )


def as_json(found: Verification) -> JsonObject:
    """The result as JSON has it; the self-test's figures are null where the file could not be loaded."""
    figures = {field.name: getattr(found.test, field.name, None) for field in dataclasses.fields(SelfTest)}
    return {**figures, "passed": found.passed, "model": found.model, "cause": found.cause, "reason": found.reason}


def require_passed(found: Verification) -> None:
    """Raises SelfTestFailed where the model did not pass."""
    if found.cause is None:
        return
    if found.test is None:
        raise SelfTestFailed(f"{found.reason}", _COPY)
    raise SelfTestFailed(
        f"this machine does not give the golden answers of {found.model}: {found.reason}",
        _COPY if found.cause == "file" else _VERSIONS,
    )

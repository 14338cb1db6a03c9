"""`fedge verify`: the golden self-test on this machine."""

from dataclasses import dataclass

from fedge.errors import SelfTestFailed
from fedge.model.classifier import load
from fedge.model.schema import to_json
from fedge.model.self_test import SelfTest, self_test
from fedge.system.json_types import JsonObject


@dataclass(frozen=True)
class VerifyReport:
    """The self-test's result, and the name of the model in its manifest."""

    model: str
    result: SelfTest


def verify_model(model: str | None) -> VerifyReport:
    """Runs a model's self-test and gives its result."""
    classifier = load(model)
    return VerifyReport(classifier.model.manifest.name, self_test(classifier))


def as_text(report: VerifyReport) -> str:
    """The report in a line: the largest differences, and what is allowed."""
    result = report.result
    return (
        f"{result.n} golden pictures on {result.runtime}: inputs differ by at most "
        f"{result.max_input_difference} of 256 (allowed {result.input_tolerance}), logits by at most "
        f"{result.max_logit_difference} (allowed {result.logit_tolerance})"
    )


def as_json(report: VerifyReport) -> JsonObject:
    """The fields of `SelfTest`, and `model`."""
    return {**to_json(report.result), "model": report.model}


def require_passed(report: VerifyReport) -> None:
    """Raises SelfTestFailed where the self-test did not pass."""
    result = report.result
    if result.passed:
        return
    where = "preprocessing" if result.max_input_difference > result.input_tolerance else "the interpreter"
    raise SelfTestFailed(
        f"this machine does not give the golden answers of {report.model}: {where} differs",
        "do not rely on the model here; install OpenCV and LiteRT of the versions in constraints.txt of fedge's source",
    )

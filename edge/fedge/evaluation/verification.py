"""Whether a model file answers here as it did where it was made, and if not, why."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from fedge.errors import LabelsDiffer, ModelFileError, NotAModelFile, ProbeFailed, TooNew
from fedge.model.classifier import Classifier, load
from fedge.model.file import MANIFEST
from fedge.model.interpreter import Network, probe
from fedge.model.self_test import SelfTest, difference, self_test, unpack
from fedge.model.shipped import find_model

Cause = Literal["file", "labels", "preprocessing", "kernels"]


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        model: the model's name; its path where the file is damaged.
        cause: why it failed; None where it passed. `file`: the bytes are not those that were made, or the network is
            not the one that gave the golden answers; `labels`: the class names are not the network's;
            `preprocessing`: this OpenCV prepares other inputs; `kernels`: this interpreter's fast kernels compute
            other logits than its reference kernels, which agree with the golden ones.
        reason: the cause in words; None where it passed.
        test: the golden self-test; None where the file could not be loaded.
    """

    model: str
    cause: Cause | None
    reason: str | None
    test: SelfTest | None

    @property
    def passed(self) -> bool:
        """Whether this machine gives the model's golden answers."""
        return self.cause is None


def verify_model(model: str | None) -> Verification:
    """Reads a model file and runs its self-test. Raises ModelFileError where it is none or a later one."""
    path = find_model(model)
    try:
        classifier = load(path)
        test = self_test(classifier)
    except ModelFileError as error:
        if isinstance(error, TooNew) or not _was_one(path, error):
            raise
        return Verification(str(path), "labels" if isinstance(error, LabelsDiffer) else "file", error.what, None)
    cause, reason = _cause(classifier, test)
    return Verification(classifier.model.manifest.name, cause, reason, test)


def _was_one(path: Path, error: ModelFileError) -> bool:
    """Whether a file that cannot be read is what is left of a model file."""
    return not isinstance(error, NotAModelFile) or MANIFEST.encode() in path.read_bytes()


def _cause(classifier: Classifier, test: SelfTest) -> tuple[Cause | None, str | None]:
    """Why a self-test failed, and that in words."""
    if test.passed:
        return None, None
    if test.max_input_difference > test.input_tolerance:
        return "preprocessing", f"preprocessing differs by {test.max_input_difference} of 256"
    said = f"logits differ by {test.max_logit_difference}"
    try:
        probe(classifier.model.flatbuffer, reference=True)
    except ProbeFailed:
        return "file", f"{said}, and the reference kernels of {test.runtime} refuse the network: it is another"
    manifest = classifier.model.manifest
    golden = unpack(classifier.model.golden, manifest.output.dtype)
    reference = Network(classifier.model.flatbuffer, reference=True)
    logits = np.stack([reference.logits(manifest.input.encode(image)) for image in golden.inputs])
    if difference(logits, golden.logits) <= test.logit_tolerance:
        return "kernels", f"{said} with the fast kernels of {test.runtime}, not with its reference kernels"
    return "file", f"{said} with the fast and the reference kernels of {test.runtime}: the network is another"

"""`fedge verify` names the cause: the file, its labels, preprocessing or kernels."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from model_file_lies import rebuild, with_member
from support import fedge, one_line_error

from fedge.commands.verify import require_passed
from fedge.errors import NotAModelFile, ProbeFailed, SelfTestFailed
from fedge.evaluation import verification
from fedge.evaluation.verification import verify_model
from fedge.model import self_test
from fedge.model.classifier import Classifier
from fedge.model.interpreter import Network
from fedge.model.shipped import shipped_models


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda content: flipped(content, 5000), "file"),
        (lambda content: content[:-100], "file"),
        (lambda content: content + b"more", "file"),
        (lambda content: rebuild(content, lambda members: members.__setitem__("golden.npz", b"x")), "file"),
        (lambda content: rebuild(content, lambda members: members.__setitem__("labels.txt", b"a\nb\n")), "labels"),
        (lambda content: with_member(content, "labels.txt", b"a\nb\n"), "labels"),
    ],
    ids=["a byte of the network", "cut short", "more behind it", "another golden file", "other labels", "fewer labels"],
)
def test_a_damaged_file_is_refused_with_its_cause(damage: object, cause: str, tmp_path: Path) -> None:
    path = tmp_path / "damaged.tflite"
    path.write_bytes(damage(shipped_models()["nano"].read_bytes()))  # type: ignore[operator]
    done = fedge("verify", path, "--json")
    assert done.code == 3
    found = done.json()
    assert (found["passed"], found["cause"], found["n"]) == (False, cause, None)
    assert len(done.err.splitlines()) == 1
    assert str(path) in one_line_error(fedge("verify", path))


def test_what_never_was_a_model_file_is_an_error_and_no_refusal(tmp_path: Path) -> None:
    path = tmp_path / "picture.tflite"
    path.write_bytes(b"\x89PNG" + bytes(100))
    with pytest.raises(NotAModelFile):
        verify_model(str(path))


def test_a_model_that_passes_has_no_cause() -> None:
    found = verify_model("nano")
    assert found.passed and found.cause is None and found.reason is None
    require_passed(found)


def golden(classifier: Classifier, change: str) -> Classifier:
    """The classifier with golden pictures or logits that it does not give."""
    vectors = self_test.unpack(classifier.model.golden)
    if change == "pictures":
        pictures = tuple(np.where(p > 100, p - 5, p).astype(np.uint8) for p in vectors.pictures)
        vectors = dataclasses.replace(vectors, pictures=pictures)
    else:
        vectors = dataclasses.replace(vectors, logits=-vectors.logits - 1)
    return Classifier(dataclasses.replace(classifier.model, golden=self_test.pack(vectors)))


@pytest.mark.parametrize(("change", "cause"), [("pictures", "preprocessing"), ("logits", "file")])
def test_preprocessing_and_another_network_are_told_apart(
    change: str, cause: str, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered = golden(classifier, change)
    monkeypatch.setattr(verification, "load", lambda path: altered)
    found = verify_model("base")
    assert found.cause == cause
    with pytest.raises(SelfTestFailed, match="golden answers"):
        require_passed(found)


def test_fast_kernels_that_compute_otherwise_are_told_from_another_network(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = Network(classifier.model.flatbuffer, reference=True)
    vectors = self_test.unpack(classifier.model.golden)
    right = np.stack([reference.logits(image) for image in vectors.inputs])

    class Wrong(Classifier):
        def logits(self, image: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
            return super().logits(image) // 2

    altered = Wrong(
        dataclasses.replace(classifier.model, golden=self_test.pack(dataclasses.replace(vectors, logits=right)))
    )
    monkeypatch.setattr(verification, "load", lambda path: altered)
    found = verify_model("base")
    assert found.cause == "kernels" and "reference kernels" in str(found.reason)


def test_a_network_that_the_reference_kernels_refuse_is_another(
    wrong_golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(flatbuffer: bytes, reference: bool) -> None:
        raise ProbeFailed("the interpreter refused the network (a stride is too large)", "do not use it")

    assert verify_model(str(wrong_golden)).cause == "file"
    monkeypatch.setattr(verification, "probe", refused)
    found = verify_model(str(wrong_golden))
    assert found.cause == "file" and "refuse the network" in str(found.reason)

import dataclasses
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support import fedge

from fedge.errors import ArchiveError
from fedge.model import self_test
from fedge.model.classifier import Classifier


def altered(classifier: Classifier, vectors: self_test.GoldenVectors) -> Classifier:
    """The classifier with other golden vectors in its file."""
    return Classifier(dataclasses.replace(classifier.model, golden=self_test.pack(vectors)))


def test_the_shipped_model_passes_here(classifier: Classifier) -> None:
    result = self_test.self_test(classifier)
    assert result.passed and result.n >= 10


@pytest.mark.parametrize(("beyond", "passes"), [(0, True), (1, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_files_tolerance_is_rounding_and_more_is_not(
    classifier: Classifier, sign: int, beyond: int, passes: bool
) -> None:
    vectors = self_test.unpack(classifier.model.golden)
    logits = vectors.logits.astype(int)
    logits[3, 2] += sign * (classifier.model.manifest.self_test.logit_tolerance + beyond)
    changed = altered(classifier, dataclasses.replace(vectors, logits=logits.astype(np.int8)))
    assert self_test.self_test(changed).passed is passes


def test_preprocessing_that_differs_by_two_is_found(classifier: Classifier) -> None:
    vectors = self_test.unpack(classifier.model.golden)
    pictures = list(vectors.pictures)
    pictures[0] = np.where(pictures[0] > 100, pictures[0] - 2, pictures[0]).astype(np.uint8)
    result = self_test.self_test(altered(classifier, dataclasses.replace(vectors, pictures=tuple(pictures))))
    assert (
        not result.passed and result.max_input_difference == 2 and result.max_logit_difference <= result.logit_tolerance
    )


def test_verify_exits_3_where_the_answers_differ(wrong_golden: Path) -> None:
    done = fedge("verify", wrong_golden, "--json")
    assert done.code == 3
    assert json.loads(done.out)["passed"] is False
    assert json.loads(done.out)["cause"] == "file"
    assert "does not give the golden answers" in done.err


def test_the_same_vectors_give_the_same_bytes(classifier: Classifier) -> None:
    assert self_test.pack(self_test.unpack(classifier.model.golden)) == classifier.model.golden


def test_refuses_an_array_that_claims_more_than_it_has() -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (1 << 40,)})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("picture_00.npy", header.getvalue() + b"few")
    with pytest.raises(ArchiveError, match="not of the size it claims"):
        self_test.unpack(buffer.getvalue())


@pytest.mark.parametrize("shape", [(8, 8, 2), (8, 8, 5), (0, 8, 3), (8,)])
def test_refuses_pictures_that_no_camera_gives(classifier: Classifier, shape: tuple[int, ...]) -> None:
    vectors = self_test.unpack(classifier.model.golden)
    pictures = (np.zeros(shape, np.uint8), *vectors.pictures[1:])
    with pytest.raises(ArchiveError, match="belong together"):
        self_test.unpack(self_test.pack(dataclasses.replace(vectors, pictures=pictures)))


def test_refuses_pickled_objects() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, inputs=np.array([{"a": 1}], dtype=object), logits=np.zeros((1, 2), np.int8))
    with pytest.raises(ArchiveError):
        self_test.unpack(buffer.getvalue())


@pytest.mark.parametrize("name", ["inputs", "logits"])
def test_refuses_a_missing_array(classifier: Classifier, name: str) -> None:
    with np.load(io.BytesIO(classifier.model.golden)) as archive:
        arrays = {key: archive[key] for key in archive.files if key != name}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    with pytest.raises(ArchiveError, match=name):
        self_test.unpack(buffer.getvalue())

"""A head on ImageNet's backbone, from folders of pictures to a model file: what it keeps and what it refuses."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import fedge

from fedge.errors import RunError
from fedge.model import file as model_file
from fedge.model.classifier import load
from fedge_train.runs.out_of_fold import OUT_OF_FOLD, OutOfFold, read_out_of_fold, write_out_of_fold

EACH = 16


def draw_stripes(folder: Path, across: bool, period: int, seed: int) -> Path:
    """Writes pictures of stripes, across or down, that differ in place and noise."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    for number in range(EACH):
        wave = 127 + 100 * np.sin(2 * np.pi * (np.arange(64) / period + generator.random()))
        picture = np.tile(wave, (64, 1))[..., np.newaxis] + generator.normal(0, 10, (64, 64, 3))
        turned = picture if across else picture.swapaxes(0, 1)
        cv2.imwrite(str(folder / f"{number}.png"), np.clip(turned, 0, 255).astype(np.uint8))
    return folder


@pytest.mark.slow
def test_pictures_become_a_model_that_refuses_by_the_energy(tmp_path: Path) -> None:
    draw_stripes(tmp_path / "data" / "across", True, 16, 0)
    draw_stripes(tmp_path / "data" / "down", False, 16, 1)
    run = tmp_path / "run"
    done = fedge("train", "--data", tmp_path / "data", "--arch", "lite0", "--size", 64, "--out", run, "--json")
    assert done.code == 0, done.err
    report = done.json()
    assert report == json.loads((run / "report.json").read_text())
    assert len(report["enough"]["sentences"]) == 3 and report["held_out_accuracy"] > 0.9
    answers = read_out_of_fold(run, 2)
    # All that is not for the test is learned from, and answered by a head that had not learned it.
    assert answers is not None and len(answers.logits) == report["pictures"]["train"] + report["pictures"]["held_out"]
    before = (run / "report.html").read_text()
    assert "run `fedge quantize" in before
    done = fedge("quantize", run, "--unproved", "--json")
    assert done.code == 0, done.err
    assert done.json()["confidence"]["energy"]["temperature"] == 2
    assert "UNPROVED" in (run / "report.html").read_text()
    path = Path(done.json()["model"])
    assert model_file.read(path).manifest.confidence.score == "energy"
    # Six test pictures show nothing; all 32 labelled ones show it.
    done = fedge("quantize", run, "--max-drop", 20, "--json")
    assert done.code == 0 and done.json()["proof"] == "out-of-fold" and done.json()["out_of_fold"]["n"] == 32, done.err
    parity = model_file.read(path).manifest.parity
    assert parity is not None and (parity.proof, parity.out_of_fold) == ("out-of-fold", 32)
    answer = load(path)(run.parent / "data" / "across" / "0.png")
    assert answer.top[0][0] == "across" and answer.score_kind == "energy"


def test_out_of_fold_answers_are_read_as_written_and_refused_where_they_do_not_fit(tmp_path: Path) -> None:
    assert read_out_of_fold(tmp_path, 3) is None
    written = OutOfFold(np.ones((4, 3), np.float32), np.eye(4, 3, dtype=bool), np.zeros(4, np.int64))
    write_out_of_fold(tmp_path, written)
    read = read_out_of_fold(tmp_path, 3)
    assert read is not None and (read.right == written.right).all() and (read.logits == 1).all()
    with pytest.raises(RunError, match="not of this run"):
        read_out_of_fold(tmp_path, 2)
    content = (tmp_path / OUT_OF_FOLD).read_bytes()
    (tmp_path / OUT_OF_FOLD).write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError, match="cannot be read"):
        read_out_of_fold(tmp_path, 3)

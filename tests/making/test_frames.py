"""The proof without labels: frames that both models answer bound what can have been lost."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.stats import beta
from support import fedge, write_class_folders

from fedge.errors import DataError
from fedge.images.preprocess import Recipe
from fedge.making.frames import Frames, changed_upper_bound, compare_answers, read_frames, refused_by_frames
from fedge.model import file as model_file

RECIPE = Recipe(28, 28)


def test_the_bound_holds_in_95_of_100_draws() -> None:
    generator = np.random.default_rng(0)
    for share in (0.002, 0.02, 0.2):
        for n in (30, 300, 3000):
            bounds = np.array([changed_upper_bound(k, n) for k in range(n + 1)])
            covered = np.mean(bounds[generator.binomial(n, share, 10_000)] >= share)
            # Of 10,000 draws three standard errors are 0.65 points.
            assert covered >= 0.95 - 0.0065, (share, n)


def test_a_drop_is_never_more_than_the_share_of_changed_answers() -> None:
    generator = np.random.default_rng(1)
    for _ in range(200):
        truth, by_float, by_int8 = generator.integers(0, 4, (3, 50))
        drop = np.mean(by_float == truth) - np.mean(by_int8 == truth)
        assert drop <= np.mean(by_float != by_int8)


def test_known_values() -> None:
    assert changed_upper_bound(0, 598) == pytest.approx(1 - 0.05 ** (1 / 598))
    assert changed_upper_bound(3, 100) == pytest.approx(beta.ppf(0.95, 4, 97))
    assert changed_upper_bound(5, 5) == 1.0


def test_frames_that_look_alike_count_once(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    scene = cv2.resize(generator.integers(0, 256, (9, 12, 3), dtype=np.uint8), (320, 240))
    for i in range(5):
        noise = generator.normal(0, 2, scene.shape)
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.clip(scene + noise, 0, 255).astype(np.uint8))
    other = cv2.resize(generator.integers(0, 256, (9, 12, 3), dtype=np.uint8), (320, 240))
    cv2.imwrite(str(tmp_path / "other.png"), other)
    frames = read_frames((str(tmp_path),), RECIPE)
    assert len(frames.images) == 2 and frames.alike == 4 and frames.images.shape[1:] == RECIPE.shape


def test_sources_without_an_end_are_refused() -> None:
    with pytest.raises(DataError, match="no end"):
        read_frames(("http://127.0.0.1:9/live",), RECIPE)


def test_the_gate_refuses_what_changes_too_many_answers() -> None:
    frames = Frames(np.zeros((1000, 2, 2, 1), dtype=np.uint8), 7)
    same = np.zeros(1000, dtype=np.int64)
    changed = same.copy()
    changed[:30] = 1
    assert refused_by_frames(compare_answers(frames, same, same), 0.5) is None
    refusal = refused_by_frames(compare_answers(frames, same, changed), 0.5)
    assert refusal and refusal.exit_code == 3 and "30 of 1000 frames" in refusal.what


@pytest.mark.slow
def test_few_test_pictures_are_told_at_once_and_frames_or_unproved_go_on(tmp_path: Path) -> None:
    data, run, out = tmp_path / "photos", tmp_path / "run", tmp_path / "m.tflite"
    write_class_folders(data, ["Trouser", "Bag", "Sneaker"], 12)
    assert fedge("train", "--data", data, "--arch", "nano", "--epochs", 1, "--out", run).code == 0
    refused = fedge("quantize", run, "--out", out)
    assert refused.code == 3 and not out.exists()
    assert "too few test pictures to tell" in refused.err and "--unproved" in refused.err.splitlines()[-1]
    assert "post-training quantization" not in refused.err
    unproved = fedge("quantize", run, "--out", out, "--method", "ptq", "--unproved", "--json")
    assert unproved.code == 0 and unproved.json()["accepted"] is False and unproved.json()["proof"] == "none"
    assert model_file.read(out).manifest.parity.proof == "none"
    started = fedge("run", out, "--source", next((data).rglob("*.png")), "--json")
    assert started.code == 0 and "is unproved" in started.err
    assert "UNPROVED" in fedge("info", out).out
    frames = tmp_path / "frames"
    shutil.copytree(data, frames)
    proved = fedge("quantize", run, "--out", out, "--method", "ptq", "--frames", frames, "--max-drop", 20, "--json")
    report = json.loads(proved.out) if proved.code == 0 else {}
    assert proved.code in (0, 3), proved.err
    if report:
        assert report["proof"] in ("test", "frames") and report["frames"]["n"] > 0

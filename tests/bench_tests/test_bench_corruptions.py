"""The corruptions that models are compared under, and the script that compares them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from corrupting import CORRUPTIONS, STRENGTHS, corrupted
from pictures_for_tests import garment

SCRIPT = Path(__file__).parents[1] / "bench" / "corruptions.py"


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_each_strength_moves_the_picture_farther_and_the_seed_makes_it_again(kind: str) -> None:
    picture = garment(sleeves=True, width=224, height=224)
    distances = []
    for strength in range(STRENGTHS):
        # The most of eight seeds: black cannot get darker, so a strong step down moves less than a weak one up.
        changed = [corrupted(picture, kind, strength, seed) for seed in range(8)]
        assert all(c.shape == picture.shape and c.dtype == np.uint8 for c in changed)
        assert np.array_equal(changed[0], corrupted(picture, kind, strength, 0))
        distances.append(max(np.abs(c.astype(int) - picture).mean() for c in changed))
    assert distances[0] > 0 and distances == sorted(distances)


@pytest.mark.parametrize("kind", ["noise", "brightness", "rotation"])
def test_what_is_random_differs_from_seed_to_seed(kind: str) -> None:
    picture = garment(sleeves=True, width=224, height=224)
    assert len({corrupted(picture, kind, 2, seed).tobytes() for seed in range(8)}) > 1


def script(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True)


def test_a_model_is_not_ahead_of_itself(model_path: Path, tmp_path: Path) -> None:
    same = tmp_path / "same.tflite"
    shutil.copy(model_path, same)
    done = script(model_path, same, "--pictures", 20, "--json", "--at-least", 0.1)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["against_first"] == {str(same): {"points": 0.0, "standard_error": 0.0}}
    assert report["pictures"] == 20
    rows = report["models"][str(model_path)]
    assert rows.keys() == {*CORRUPTIONS, "clean", "mean"} and all(len(rows[kind]) == STRENGTHS for kind in CORRUPTIONS)
    # Of 20 stratified pictures, at about 95% each, fewer than 15 happens less than once in ten thousand choices.
    assert rows["clean"][0] >= 0.75
    # A blur of 18 pixels of 224 leaves next to nothing of a garment.
    assert rows["blur"][-1] < rows["clean"][0]

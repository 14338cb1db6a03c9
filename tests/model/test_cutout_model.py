"""A model whose recipe cuts the object out, through all commands."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from support import fedge, one_line_error, write_class_folders

CLASSES = ["Bag", "Sneaker", "Trouser"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cutout")
    data = write_class_folders(folder / "data", CLASSES, 100)
    options = ("--size", 28, "--gray", "--arch", "nano", "--epochs", 10, "--batch", 16, "--subject", "cut-out")
    trained = fedge("train", "--data", data, *options, "--out", folder / "run")
    assert trained.code == 0, trained.err
    # Sixty test pictures can show little; what matters here is that every command knows the recipe.
    done = fedge("quantize", folder / "run", "--method", "ptq", "--max-drop", 30, "--out", folder / "cut.tflite")
    assert done.code == 0, done.err
    return folder / "cut.tflite"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, cluttered scene for 40 frames, then a bright object in it for 40."""
    path = tmp_path_factory.mktemp("scene") / "scene.avi"
    generator = np.random.default_rng(0)
    blocks = generator.integers(40, 200, (12, 16, 3), dtype=np.uint8)
    empty = cv2.resize(blocks, (320, 240), interpolation=cv2.INTER_NEAREST).astype(int)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (320, 240))
    for number in range(80):
        frame = np.clip(empty + generator.normal(0, 2, empty.shape), 0, 255).astype(np.uint8)
        if number >= 40:
            cv2.ellipse(frame, (160, 120), (50, 80), 0, 0, 360, (90, 30, 220), cv2.FILLED)
        writer.write(frame)
    writer.release()
    return path


def test_the_recipe_travels_and_the_self_test_passes(model: Path) -> None:
    told = fedge("info", model, "--json").json()
    assert told["preprocessing"]["cut_out"] is not None and told["subject"] == "cut-out"
    assert told["training"]["seconds"] > 0
    verified = fedge("verify", model, "--json")
    assert verified.code == 0 and verified.json()["max_input_difference"] == 0, verified.err


def test_with_a_learned_background_the_empty_scene_is_no_object(model: Path, video: Path, tmp_path: Path) -> None:
    scene = tmp_path / "empty.npz"
    # The ellipse is of no class; `--reject off` leaves only the question whether it is an object.
    command = ("run", model, "--source", video, "--background", scene, "--reject", "off", "--json")
    learned = fedge(*command)
    lines = learned.lines()
    # Thirty frames are kept back to learn from; ten empty ones and forty with an object are left.
    assert len(lines) == 50, learned.err
    assert [line.split(": ")[1] for line in learned.err.splitlines()] == [
        "learning the empty scene from 30 frames",
        "the empty scene is learned",
    ]
    assert all(line["label"] is None and line["rejected"] and line["empty"] for line in lines[:10])
    assert all(line["label"] is not None and line["quality"] > 0.15 and "empty" not in line for line in lines[10:])
    loaded = fedge(*command).lines()
    assert len(loaded) == 80 and [line["label"] for line in loaded[30:]] == [line["label"] for line in lines]


def test_a_background_is_refused_where_it_would_do_nothing(
    quantized: tuple[Path, object], model: Path, video: Path, tmp_path: Path
) -> None:
    whole = fedge("run", quantized[0], "--source", video, "--background", "learn")
    assert whole.code == 1 and "does not cut objects out" in one_line_error(whole)
    both = fedge("run", model, "--source", video, "--background", "learn", "--record", "somewhere")
    assert both.code == 2 and not Path("somewhere").exists()
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((48, 64, 3), np.uint8))
    assert fedge("run", model, "--source", tmp_path / "one.png").code == 0
    few = fedge("run", model, "--source", tmp_path / "one.png", "--background", "learn")
    assert few.code == 1 and "ended after 1 of the 30 frames" in few.err.splitlines()[-1]

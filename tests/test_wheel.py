"""The wheel in fresh environments: with LiteRT and NumPy 2, and with tflite-runtime and NumPy 1."""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedge.model import file as model_file
from fedge.model import self_test
from fedge.model.classifier import load
from fedge.model.shipped import shipped_models

ROOT = Path(__file__).parents[1]

# What the environment under test is asked: its versions, and its logits on the golden inputs of every model given.
QUESTION = """
import json, sys
import numpy, cv2
from fedge.model import self_test
from fedge.model.classifier import load
from fedge.model.interpreter import runtime_name
answers = {}
for name in sys.argv[1:]:
    classifier = load(name)
    vectors = self_test.unpack(classifier.model.golden)
    answers[name] = [classifier.logits(image).tolist() for image in vectors.inputs]
heavy = [m for m in ("tensorflow", "tf_keras") if m in sys.modules]
print(json.dumps({"numpy": numpy.__version__, "cv2": cv2.__version__, "runtime": runtime_name(), "heavy": heavy,
                  "answers": answers}))
"""

Quantized = tuple[Path, dict[str, Any]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("fedge-*.whl"))


class Environment:
    """A fresh virtual environment with the wheel installed, with or without an extra."""

    def __init__(self, folder: Path, wheel: Path, extra: str) -> None:
        venv.create(folder, with_pip=True)
        self.bin = folder / "bin"
        install = [self.bin / "python", "-m", "pip", "install", "-q", f"{wheel}{extra}"]
        subprocess.run(install, check=True, capture_output=True)

    def fedge(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        # Elsewhere than in the sources, so that only what is installed can be imported.
        command = [self.bin / "fedge", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.bin)

    def answers(self, *models: object) -> dict[str, Any]:
        command = [self.bin / "python", "-c", QUESTION, *map(str, models)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.bin, check=True)
        result: dict[str, Any] = json.loads(done.stdout)
        return result


@pytest.fixture(scope="module", params=["", "[tflite-runtime]"], ids=["litert", "tflite-runtime"])
def environment(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    if request.param and sys.version_info >= (3, 12):
        pytest.skip("tflite-runtime has no wheel for Python 3.12 and later")
    return Environment(tmp_path_factory.mktemp("environment") / "venv", wheel, request.param)


def test_it_is_the_runtime_that_was_asked_for(environment: Environment, request: pytest.FixtureRequest) -> None:
    found = environment.answers()
    old = "tflite-runtime" in request.node.callspec.id
    assert found["runtime"] == ("tflite_runtime" if old else "ai_edge_litert")
    assert found["numpy"].startswith("1." if old else "2.") and found["heavy"] == []


def test_the_golden_answers_are_within_what_each_file_allows(environment: Environment) -> None:
    found = environment.answers(*shipped_models())
    for name, answers in found["answers"].items():
        model = load(name).model
        expected = self_test.unpack(model.golden).logits.astype(int)
        assert np.abs(np.array(answers) - expected).max() <= model.manifest.self_test.logit_tolerance
        assert np.array_equal(np.argmax(answers, axis=1), expected.argmax(axis=1))


def test_the_manuals_network_agrees_to_one_step_of_256(environment: Environment, quantized: Quantized) -> None:
    path, _ = quantized
    expected = self_test.unpack(model_file.read(path).golden).logits.astype(int)
    # Four layers deep, what two interpreters round differently comes to one step of a logit.
    assert np.abs(np.array(environment.answers(path)["answers"][str(path)]) - expected).max() <= 1


def test_a_program_classifies_a_picture_and_the_import_alone_loads_no_numpy(
    environment: Environment, tmp_path: Path
) -> None:
    import cv2

    vectors = self_test.unpack(model_file.read(shipped_models()["small"]).golden)
    cv2.imwrite(str(tmp_path / "bag.png"), 255 - vectors.pictures[0])
    code = "import fedge, sys; assert 'numpy' not in sys.modules; print(fedge.load('small')('bag.png'))"
    command = [environment.bin / "python", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    expected = load("small").classify(vectors.pictures[0])
    assert done.stdout.startswith(f"Answer(label={expected.label!r}, score=")


def test_the_installed_command_runs_a_picture_and_verifies(environment: Environment, tmp_path: Path) -> None:
    import cv2

    vectors = self_test.unpack(model_file.read(shipped_models()["base"]).golden)
    cv2.imwrite(str(tmp_path / "picture.png"), 255 - vectors.pictures[0])
    done = environment.fedge("run", "--source", tmp_path / "picture.png", "--json")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    expected = load("base").classify(vectors.pictures[0])
    assert json.loads(done.stdout)["label"] == expected.label
    verified = environment.fedge("verify", "base")
    assert verified.returncode == 0, verified.stderr
    no_camera = environment.fedge("run", "--camera")
    assert no_camera.returncode == 1 and "no camera gives a picture" in no_camera.stderr
    training = environment.fedge("train")
    assert training.returncode == 1 and "pip install 'fedge[train]'" in training.stderr

"""Fixtures: the real data, a run trained on it, and the shipped model."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from recordings_for_tests import record
from support import Finished, fedge

from fedge.model.classifier import Classifier, load
from fedge.model.shipped import shipped_models

# A process started in the background may have been told to ignore Ctrl-C, and so would every command under test.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def model_path() -> Path:
    """The shipped model `base`."""
    return shipped_models()["base"]


@pytest.fixture(scope="module")
def classifier(model_path: Path) -> Classifier:
    """The shipped model `base`, loaded."""
    return load(model_path)


@pytest.fixture
def recording(classifier: Classifier, model_path: Path, tmp_path: Path) -> Path:
    """A folder with a recording by `classifier`."""
    record(classifier, model_path, tmp_path / "kept")
    return tmp_path / "kept"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `classic` on all of Fashion-MNIST: two epochs, enough for a classifier with something to lose."""
    folder = tmp_path_factory.mktemp("runs") / "classic"
    done = fedge("train", "--arch", "classic", "--epochs", 2, "--out", folder, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["accuracy"] == json.loads((folder / "report.json").read_text())["accuracy"]
    return folder


@pytest.fixture(scope="session")
def quantized(trained: Path) -> tuple[Path, dict[str, Any]]:
    """The model file made from `trained`, and the report that `fedge quantize --json` printed."""
    out = trained.parent / "classic.tflite"
    done: Finished = fedge("quantize", trained, "--out", out, "--json")
    assert done.code == 0, done.err
    return out, done.json()

"""Fixtures: the real data, a run trained on it, and the shipped model."""

import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from left_out import left_out
from recordings_for_tests import record
from support import Finished, fedge

from fedge.data.decoded.cache import FOLDER_VARIABLE
from fedge.model import file as model_file
from fedge.model import self_test
from fedge.model.classifier import Classifier, load
from fedge.model.shipped import shipped_models
from fedge.system.files import sha256
from fedge.system.state import STORE_VARIABLE

# A process started in the background may have been told to ignore Ctrl-C, and so would every command under test.
signal.signal(signal.SIGINT, signal.default_int_handler)
# What is in this machine's own model store must not be what `fedge run` takes under test.
os.environ[STORE_VARIABLE] = os.devnull


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last line but one of a run."""
    line = left_out(terminalreporter.getreports("skipped"))
    if line:
        terminalreporter.write_line(line, yellow=True)


@pytest.fixture(scope="session", autouse=True)
def _picture_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded pictures of tests are kept with them, and not among this machine's own."""
    os.environ[FOLDER_VARIABLE] = str(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def model_path() -> Path:
    """The shipped model `base`."""
    return shipped_models()["base"]


@pytest.fixture(scope="module")
def classifier(model_path: Path) -> Classifier:
    """The shipped model `base`, loaded."""
    return load(model_path)


@pytest.fixture
def wrong_golden(classifier: Classifier, tmp_path: Path) -> Path:
    """A model file that passes every check of the file, and whose golden logits no machine gives."""
    model = classifier.model
    vectors = self_test.unpack(model.golden)
    wrong = self_test.pack(dataclasses.replace(vectors, logits=-vectors.logits - 1))
    hashes = {n: sha256(c) for n, c in model_file.member_bytes(model.labels, wrong, model.card).items()}
    manifest = dataclasses.replace(model.manifest, members=hashes)
    path = tmp_path / "wrong.tflite"
    model_file.write(path, model_file.pack(model.flatbuffer, manifest, model.labels, wrong, model.card))
    return path


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

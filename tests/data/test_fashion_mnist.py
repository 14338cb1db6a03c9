import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fedge.data import fashion_mnist
from fedge.data.label_map import LabelMap
from fedge.data.load import default_recipe, load_dataset
from fedge.errors import DataError


def test_it_is_the_real_one() -> None:
    train, test = fashion_mnist.load("train"), fashion_mnist.load("test")
    assert train[0].shape == (60_000, 28, 28) and test[0].shape == (10_000, 28, 28)
    assert np.bincount(train[1]).tolist() == [6_000] * 10 and np.bincount(test[1]).tolist() == [1_000] * 10
    # The first test picture is an ankle boot.
    assert fashion_mnist.LABELS[test[1][0]] == "Ankle boot"


def test_five_thousand_are_held_out_of_train_and_test_is_whole() -> None:
    dataset = load_dataset(("fashion-mnist",), default_recipe(("fashion-mnist",)), LabelMap())
    assert [len(s) for s in (dataset.train, dataset.held_out, dataset.test)] == [55_000, 5_000, 10_000]
    assert np.bincount(dataset.held_out.labels).tolist() == [500] * 10
    assert all(name.startswith("fashion-mnist/train/") for name in dataset.train.names + dataset.held_out.names)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without the data: no package, an empty cache, an address that nobody answers."""
    monkeypatch.delenv(fashion_mnist.ENVIRONMENT, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fashion_mnist, "SYSTEM_FOLDERS", ())
    monkeypatch.setattr(fashion_mnist, "ADDRESS", "http://127.0.0.1:9")
    return tmp_path


def test_the_folder_named_by_the_environment_comes_first(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = fashion_mnist.find()
    shutil.copytree(found, elsewhere / "mine")
    monkeypatch.setenv(fashion_mnist.ENVIRONMENT, str(elsewhere / "mine"))
    assert fashion_mnist.find() == elsewhere / "mine"


def test_a_damaged_file_is_named(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fashion_mnist.ENVIRONMENT, str(elsewhere))
    for name in fashion_mnist.SHA256:
        (elsewhere / name).write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz is damaged"):
        fashion_mnist.find()


def test_without_network_and_apt_one_message_says_the_three_ways(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(elsewhere))
    with pytest.raises(DataError) as caught:
        fashion_mnist.find()
    message = str(caught.value)
    for way in ("apt-get install dataset-fashion-mnist", "$FEDGE_DATA_DIR", "connect to the network"):
        assert way in message
    assert "\n" not in message


@pytest.mark.skipif(
    not shutil.which("apt-get")
    or subprocess.run(["apt-cache", "show", fashion_mnist.DEBIAN_PACKAGE], capture_output=True).returncode != 0,
    reason="apt does not know the package here",
)
def test_without_network_apt_gives_the_package_without_installing_it(elsewhere: Path) -> None:
    folder = fashion_mnist.find()
    assert folder == elsewhere / "cache" / "fedge" / "fashion-mnist"
    fashion_mnist.check(folder)

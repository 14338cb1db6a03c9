"""Fashion-MNIST (Zalando Research, MIT licence): found on this machine, or fetched."""

import gzip
import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedge.data.fetch import download, fetch_debian_package
from fedge.errors import DataError
from fedge.system.files import sha256_file
from fedge.system.state import cache_folder

NAME = "fashion-mnist"
LABELS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
DEBIAN_PACKAGE = "dataset-fashion-mnist"
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
SYSTEM_FOLDERS = (DEBIAN_FOLDER,)
ENVIRONMENT = "FEDGE_DATA_DIR"
SHA256 = {
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


def load(split: str) -> Arrays:
    """Loads the `train` (60,000) or `test` (10,000) split.

    Returns:
        Pictures, uint8 [n, 28, 28], a bright garment on black; classes, int64 [n], indices into `LABELS`.

    Raises:
        DataError: it is neither here nor to be fetched, or a file is damaged. The other split's are not opened.
    """
    prefix = {"train": "train", "test": "t10k"}[split]
    folder = find(prefix)
    pictures = _read_idx(folder / f"{prefix}-images-idx3-ubyte.gz", header=16).reshape(-1, 28, 28)
    labels = _read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", header=8)
    return pictures, labels.astype(np.int64)


def find(prefix: str = "") -> Path:
    """The folder that holds the four files; fetches them where no folder does.

    The hashes of those whose names begin with `prefix` are checked.

    Looks in $FEDGE_DATA_DIR, Debian's package folder and the user's cache; then downloads from the official address;
    then, where apt is there, fetches Debian's package without installing it. Raises DataError if all fail.
    """
    for folder in _folders():
        if all((folder / name).is_file() for name in SHA256):
            check(folder, prefix)
            return folder
    cache = cache_folder() / NAME
    reasons = []
    for fetch in (_fetch_official, _fetch_debian):
        try:
            fetch(cache)
            check(cache, prefix)
            return cache
        except DataError as error:
            reasons.append(error.what)
    raise DataError(
        f"Fashion-MNIST is not on this machine and could not be fetched ({'; '.join(reasons)})",
        f"run `sudo apt-get install {DEBIAN_PACKAGE}`, or set ${ENVIRONMENT} to a folder with its four .gz files, "
        f"or connect to the network so that {ADDRESS} can be reached",
    )


def check(folder: Path, prefix: str = "") -> None:
    """Raises DataError where one of the files whose names begin with `prefix` has not the pinned SHA-256."""
    for name, expected in SHA256.items():
        if name.startswith(prefix) and sha256_file(folder / name) != expected:
            raise DataError(f"{folder / name} is damaged", "remove it and run the command again")


def _folders() -> list[Path]:
    chosen = os.environ.get(ENVIRONMENT)
    own = [Path(chosen), Path(chosen) / NAME] if chosen else []
    return [*own, *SYSTEM_FOLDERS, cache_folder() / NAME]


def _fetch_official(folder: Path) -> None:
    for name, expected in SHA256.items():
        download(f"{ADDRESS}/{name}", folder / name, expected)


def _fetch_debian(folder: Path) -> None:
    fetch_debian_package(DEBIAN_PACKAGE, DEBIAN_FOLDER, SHA256, folder)


def _read_idx(path: Path, header: int) -> NDArray[np.uint8]:
    try:
        return np.frombuffer(gzip.decompress(path.read_bytes()), dtype=np.uint8, offset=header)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error})", "remove it and run the command again") from error

"""Where a run's pictures are, whether they are those that were asked for, and whether their files are read again."""

from pathlib import Path

from fedge.data import fashion_mnist
from fedge.data.dataset import Dataset
from fedge.data.picture_files import PictureFiles
from fedge.errors import DataError


def resolved(data: tuple[str, ...]) -> tuple[str, ...]:
    """Data sets by names under which a run finds them again from anywhere."""
    return tuple(name if name == fashion_mnist.NAME else str(Path(name).resolve()) for name in data)


def picture_files(variants: int | None, outliers: float | None) -> PictureFiles:
    """A data set's files, kept where photographs are read again to make something of them."""
    return PictureFiles() if variants or outliers else PictureFiles(limit_bytes=0)


def require_pictures(dataset: Dataset, data: tuple[str, ...], hashes: tuple[str, ...]) -> None:
    """Raises DataError where one of `data` has another SHA-256 than is asked for, an empty text asking for none."""
    for number, (name, sha256) in enumerate(zip(data, hashes, strict=False)):
        if sha256 and dataset.source_sha256(number) != sha256:
            raise DataError(
                f"{name} does not hold the pictures that are asked for, of SHA-256 {sha256[:12]}...",
                'give the folder that does, or leave the hash empty ("") in a recipe of your own',
            )

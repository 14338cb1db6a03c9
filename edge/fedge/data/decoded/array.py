"""Many pictures of one size that need not be in memory: they are read where they are indexed."""

import math
import mmap
import os
import weakref
from collections.abc import Iterator, Sequence
from typing import BinaryIO, overload

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Places = NDArray[np.int64]

# How many pictures are read at once where they are asked for one by one.
_BLOCK = 64


class StoredPictures:
    """Pictures, uint8 [n, height, width, channels], one at least, at the beginning of an open file.

    They stay readable when the file is closed or removed. It is mapped anew for each access: pages of a map that stays
    would count as this process's memory, up to the whole file.
    """

    def __init__(self, file: BinaryIO, shape: tuple[int, int, int, int]) -> None:
        self.shape = shape
        self._handle = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._handle)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Places) -> Pixels:
        mapped = mmap.mmap(self._handle, math.prod(self.shape), access=mmap.ACCESS_READ)
        return np.asarray(np.frombuffer(mapped, np.uint8).reshape(self.shape)[rows])


class PictureArray:
    """Pictures of one size out of several stores, in any order; indexing its first axis gives NumPy arrays.

    Args:
        stores: arrays in memory, uint8 [n, height, width, channels], and pictures in files; at least one.
        rows: int64, [n]: where each picture stands in the stores, as if these were joined.
    """

    def __init__(self, stores: Sequence[Pixels | StoredPictures], rows: Places | None = None) -> None:
        self._stores = tuple(stores)
        self._ends = np.cumsum([len(store) for store in stores])
        self._rows = np.arange(self._ends[-1]) if rows is None else rows

    @property
    def shape(self) -> tuple[int, ...]:
        """Pictures, height, width, channels."""
        return len(self._rows), *self._stores[0].shape[1:]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Pixels]:
        for start in range(0, len(self), _BLOCK):
            yield from self[start : start + _BLOCK]

    @overload
    def __getitem__(self, places: int | np.integer) -> Pixels: ...
    @overload
    def __getitem__(self, places: slice | Places | Sequence[int]) -> Pixels: ...
    def __getitem__(self, places: int | np.integer | slice | Places | Sequence[int]) -> Pixels:
        rows = self._rows[places]
        single = np.ndim(rows) == 0
        rows = np.atleast_1d(rows)
        found = np.empty((len(rows), *self.shape[1:]), dtype=np.uint8)
        of_store = np.searchsorted(self._ends, rows, side="right")
        for number in np.unique(of_store):
            here = of_store == number
            store = self._stores[number]
            found[here] = store[rows[here] - (self._ends[number] - len(store))]
        return found[0] if single else found

    def take(self, places: Places) -> "PictureArray":
        """The pictures at `places`, in that order; none is read."""
        return PictureArray(self._stores, self._rows[places])

    @staticmethod
    def join(arrays: "Sequence[Pixels | PictureArray]") -> "PictureArray":
        """The pictures of several arrays, one after the other; none is read."""
        stores: list[Pixels | StoredPictures] = []
        rows = []
        for array in arrays:
            each = array if isinstance(array, PictureArray) else PictureArray([array])
            before = sum(len(store) for store in stores)
            rows.append(each._rows + before)
            stores += each._stores
        return PictureArray(stores, np.concatenate(rows))


Images = Pixels | PictureArray
"""Preprocessed pictures, uint8 [n, height, width, channels]: indexing gives arrays in memory."""


def take(images: Images, places: Places) -> Images:
    """The pictures at `places`, in that order; those that are not in memory stay where they are."""
    return images.take(places) if isinstance(images, PictureArray) else images[places]


def join(parts: Sequence[Images]) -> Images:
    """The pictures of several parts, one after the other; those that are not in memory stay where they are."""
    arrays = [part for part in parts if not isinstance(part, PictureArray)]
    return np.concatenate(arrays) if len(arrays) == len(parts) else PictureArray.join(parts)

from pathlib import Path

import numpy as np
import pytest

from fedge.data.decoded.array import Images, PictureArray, StoredPictures, join, take

Pixels = np.ndarray


def pictures(count: int, seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 5, 3), dtype=np.uint8)


def stored(path: Path, content: Pixels) -> StoredPictures:
    path.write_bytes(content.tobytes() + b"what follows is no picture")
    with path.open("rb") as file:
        return StoredPictures(file, content.shape)


@pytest.fixture
def both(tmp_path: Path) -> tuple[PictureArray, Pixels]:
    """Pictures of two files with some in memory between them, in no order; and the same in an array."""
    parts = pictures(7, 0), pictures(3, 1), pictures(5, 2)
    stores = (stored(tmp_path / "a", parts[0]), parts[1], stored(tmp_path / "b", parts[2]))
    order = np.random.default_rng(3).permutation(15)
    return PictureArray(stores, order), np.concatenate(parts)[order]


def test_it_is_indexed_as_an_array(both: tuple[PictureArray, Pixels]) -> None:
    lazy, array = both
    assert len(lazy) == 15 and lazy.shape == array.shape
    for places in (slice(None), slice(3, 9), slice(None, None, -2), np.array([14, 0, 0, -1]), [2, 3], slice(4, 4)):
        assert np.array_equal(lazy[places], array[places]) and lazy[places].dtype == np.uint8
    for place in (0, -1, np.int64(8)):
        assert np.array_equal(lazy[place], array[place])
    assert np.array_equal(np.stack(list(lazy)), array)
    with pytest.raises(IndexError):
        lazy[15]


def test_what_is_taken_and_joined_is_read_only_where_it_is_indexed(both: tuple[PictureArray, Pixels]) -> None:
    lazy, array = both
    odd, in_memory = np.arange(1, 15, 2), pictures(2, 4)
    some: Images = take(lazy, odd)
    assert isinstance(some, PictureArray) and np.array_equal(some[:], array[odd])
    joined = join([some, in_memory, lazy])
    assert isinstance(joined, PictureArray)
    assert np.array_equal(joined[:], np.concatenate([array[odd], in_memory, array]))
    again = take(joined, np.array([8, 0, 7]))
    assert np.array_equal(again[:], np.stack([in_memory[1], array[1], in_memory[0]]))


def test_arrays_in_memory_stay_arrays() -> None:
    array = pictures(6, 0)
    assert isinstance(take(array, np.array([1])), np.ndarray)
    assert np.array_equal(join([array, array]), np.concatenate([array, array]))


def test_no_map_stays_and_a_file_that_is_removed_can_still_be_read(tmp_path: Path) -> None:
    content = pictures(100, 0)
    lazy = PictureArray([stored(tmp_path / "gone", content)])
    (tmp_path / "gone").unlink()
    assert np.array_equal(lazy[10:20], content[10:20])
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()

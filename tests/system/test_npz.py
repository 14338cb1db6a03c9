"""Archives of arrays from elsewhere: what they claim costs nothing."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from fedge.system.npz import read_arrays

MOST = 1 << 20


def archive(content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as members:
        members.writestr("array.npy", content)
    return buffer.getvalue()


def header(descr: str, shape: str) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_by_their_names(save: object) -> None:
    arrays = {"bytes": np.arange(6, dtype=np.uint8).reshape(2, 3), "floats": np.zeros((0, 4)), "one": np.array(1.5)}
    buffer = io.BytesIO()
    save(buffer, **arrays)  # type: ignore[operator]
    found = read_arrays(buffer.getvalue(), MOST)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)


@pytest.mark.parametrize(
    ("descr", "shape"),
    [
        ("'<f4'", f"({1 << 40},)"),
        ("'<f4'", f"(0, {1 << 70})"),
        ("'V0'", f"({1 << 70},)"),
        ("'<f4'", "(-1, -1)"),
        ("'<f4'", "(1.0,)"),
        ("'<f9'", "(1,)"),
        ("'O'", "(1,)"),
        ("()", "(1,)"),
        ("',4'", "(1,)"),
        ("'<f4'", "(" * 200 + "1" + ")" * 200),
        ("'<f4'", "(("),
        ("\n x\n  y\n z", "(1,)"),
    ],
)
@pytest.mark.parametrize("data", [b"", bytes(4)])
def test_a_header_that_is_no_arrays_is_a_plain_error(descr: str, shape: str, data: bytes) -> None:
    with pytest.raises(ValueError, match="no array, or not of the size it claims"):
        read_arrays(archive(header(descr, shape) + data), MOST)


def test_what_is_in_it_must_be_small_enough_unpacked() -> None:
    content = header("'|u1'", f"({MOST},)") + bytes(MOST)
    data = archive(content)
    assert len(data) < MOST / 100
    with pytest.raises(ValueError, match="too large"):
        read_arrays(data, MOST)
    assert len(read_arrays(data, len(content))["array"]) == MOST


def test_a_member_that_claims_less_than_it_has_is_not_unpacked_to_see_it() -> None:
    size, claimed = 64 << 20, 1000
    data = archive(bytes(size)).replace(size.to_bytes(4, "little"), claimed.to_bytes(4, "little"))
    tracemalloc.start()
    with pytest.raises(ValueError):
        read_arrays(data, MOST)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The archive itself has 64 KB and is read once; what it would give has 64 MB.
    assert peak < size / 16


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_what_numpy_writes_is_unpacked(compression: int) -> None:
    with pytest.raises(ValueError, match="neither stored nor deflated"):
        read_arrays(archive(header("'|u1'", "(1,)") + b"x", compression), MOST)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_changed_byte_is_a_plain_error_or_changes_no_array(compressed: bool) -> None:
    array = np.random.default_rng(0).random((8, 8), dtype=np.float32)
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, array=array)
    good = buffer.getvalue()
    refused = 0
    for position in range(len(good)):
        data = bytearray(good)
        data[position] ^= 0xFF
        try:
            found = read_arrays(bytes(data), MOST)
        except ValueError:
            refused += 1
        else:
            # A byte of a date, say, or of a name.
            assert all(np.array_equal(other, array) for other in found.values())
    assert refused > len(good) / 2

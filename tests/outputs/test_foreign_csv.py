"""Files that `--csv` did not begin are refused, untouched."""

from pathlib import Path

import pytest
from results import result

from fedge.errors import OutputError
from fedge.outputs.files.csv_file import CsvFile

FOREIGN = [
    b"date,weight\n2024-01-01,71\n2024-01-02,70",
    b"\xff\xd8\xff\xe0 no text",
    b"frame\n1\n",
    b"x" * 200_000,
    b"\n",
]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("content", FOREIGN)
@pytest.mark.parametrize("name", ["log.csv", "log.csv.1", "log.csv.2"])
@pytest.mark.parametrize("own", [False, True])
def test_a_foreign_file_is_refused_untouched(tmp_path: Path, content: bytes, name: str, own: bool) -> None:
    if own:
        ours = CsvFile(tmp_path / "log.csv", 1000, 3)
        ours.show(result(0))
        ours.close()
    (tmp_path / name).write_bytes(content)
    before = snapshot(tmp_path)
    with pytest.raises(OutputError, match="not a file that --csv began"):
        CsvFile(tmp_path / "log.csv", 1000, 3)
    assert snapshot(tmp_path) == before


def test_a_file_beyond_those_that_are_kept_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "log.csv.3").write_bytes(b"last year")
    CsvFile(tmp_path / "log.csv", 1000, 3).close()
    assert (tmp_path / "log.csv.3").read_bytes() == b"last year"


def test_zeros_in_the_middle_and_what_is_behind_them_are_removed_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log.csv"
    whole = CsvFile(path, 10**7, 2)
    for number in range(100):
        whole.show(result(number))
    whole.close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:50]) + b"7,2026" + b"\0" * 200_000 + b"".join(lines[60:]))
    again = CsvFile(path, 10**7, 2)
    again.show(result(100))
    again.close()
    assert path.read_bytes().splitlines(keepends=True)[:50] == lines[:50]
    assert len(path.read_bytes().splitlines()) == 51 and b"\0" not in path.read_bytes()
    removed = 6 + 200_000 + sum(map(len, lines[60:]))
    assert (
        capsys.readouterr().err == f"fedge: {path}: the last {removed:,} bytes, damaged by a power cut, are removed\n"
    )


@pytest.mark.parametrize("left", [b"", b"frame,ti", b"\0" * 100_000, "header", "row and zeros", "part of a row"])
def test_what_a_crash_left_of_an_own_file_goes_on(tmp_path: Path, left: bytes | str) -> None:
    path = tmp_path / "log.csv"
    whole = CsvFile(path, 10**6, 2)
    whole.show(result(0))
    whole.close()
    first = path.read_bytes()
    header = first.split(b"\n")[0]
    cases = {"header": header, "row and zeros": first + b"\0" * 300_000, "part of a row": first + b"7,2026"}
    path.write_bytes(left if isinstance(left, bytes) else cases[left])
    again = CsvFile(path, 10**6, 2)
    again.show(result(1))
    again.close()
    lines = path.read_bytes().splitlines()
    assert lines[0] == header and len(lines) == (3 if left in ("row and zeros", "part of a row") else 2)
    assert b"\0" not in path.read_bytes() and not (tmp_path / "log.csv.1").exists()

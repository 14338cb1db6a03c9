"""CSV and SQLite files: bounded, whole after a crash, and back after a full disk."""

import csv
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from results import result

from fedge.errors import OutputError
from fedge.outputs.files.csv_file import CsvFile
from fedge.outputs.files.sqlite_file import SqliteFile
from fedge.outputs.payload import COLUMNS

HEADER = [name for name, _ in COLUMNS]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, strict=True))


def frames(path: Path) -> list[int]:
    with sqlite3.connect(path) as database:
        found = [row[0] for row in database.execute("SELECT frame FROM answers ORDER BY id")]
    database.close()
    return found


def test_a_csv_row_holds_the_answer_and_the_decision(tmp_path: Path) -> None:
    output = CsvFile(tmp_path / "new" / "log.csv", 1 << 20, 2)
    output.show(result(3, 'Bag, "big"', changed=True))
    output.show(result(4, None))
    output.close()
    first, second = rows(tmp_path / "new" / "log.csv")
    assert list(first) == HEADER
    assert (first["frame"], first["label"], first["decision"], first["changed"]) == (
        "3",
        'Bag, "big"',
        'Bag, "big"',
        "1",
    )
    assert (first["score"], first["age_ms"], first["time"]) == ("0.75", "12.0", "2026-01-02T03:04:08.000Z")
    assert (second["label"], second["decision"], second["changed"]) == ("", "", "0")


def test_text_that_a_spreadsheet_would_run_is_defused(tmp_path: Path) -> None:
    output = CsvFile(tmp_path / "log.csv", 1 << 20, 2)
    output.show(result(0, "=HYPERLINK(1)", source="@x"))
    output.close()
    assert rows(tmp_path / "log.csv")[0]["label"] == "'=HYPERLINK(1)"
    assert rows(tmp_path / "log.csv")[0]["source"] == "'@x"


@pytest.mark.parametrize("files", [1, 3])
def test_csv_files_rotate_within_their_size_and_count(tmp_path: Path, files: int) -> None:
    output = CsvFile(tmp_path / "log.csv", 1000, files)
    for number in range(200):
        output.show(result(number))
    output.close()
    found = sorted(tmp_path.iterdir())
    assert [path.name for path in found] == ["log.csv", "log.csv.1", "log.csv.2"][:files]
    assert all(path.stat().st_size <= 1000 for path in found)
    # Newest file first, each in order: what is left is one run of numbers that ends with the last.
    kept = [int(row["frame"]) for path in reversed(found) for row in rows(path)]
    assert kept == list(range(200 - len(kept), 200))
    # A line has at most 80 bytes, the header at most 120: a full file has room for (1000 - 120) // 80 = 11 lines.
    assert len(kept) > 11 * (files - 1)


def test_a_csv_file_goes_on_after_a_restart_without_the_line_that_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for number in range(2):
        output = CsvFile(path, 1 << 20, 2)
        output.show(result(number))
        output.close()
        with path.open("a") as file:
            file.write("7,2026-01-02T0")
    output = CsvFile(path, 1 << 20, 2)
    output.show(result(2))
    output.close()
    assert [row["frame"] for row in rows(path)] == ["0", "1", "2"]


def test_a_csv_file_with_an_older_versions_columns_is_put_aside(tmp_path: Path) -> None:
    older = "frame,time,label\n1,2026-01-01T00:00:00.000Z,Bag\n"
    (tmp_path / "log.csv").write_text(older)
    output = CsvFile(tmp_path / "log.csv", 1 << 20, 2)
    output.show(result(0))
    output.close()
    assert (tmp_path / "log.csv.1").read_text() == older
    assert len(rows(tmp_path / "log.csv")) == 1


@contextmanager
def no_file_can_be_opened() -> Iterator[None]:
    """As where a process has opened all files that it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("files", [1, 4])
def test_a_rotation_that_is_tried_again_takes_no_more_old_files(tmp_path: Path, files: int) -> None:
    # A header has at most 120 bytes, a line at most 80: each file has room for one row.
    output = CsvFile(tmp_path / "log.csv", 200, files)
    for number in range(files):
        output.show(result(number))
    with no_file_can_be_opened():
        for _ in range(3):
            with pytest.raises(OSError, match="Too many open files"):
                output.show(result(files))
    output.show(result(files))
    output.close()
    kept = [int(row["frame"]) for path in sorted(tmp_path.iterdir(), reverse=True) for row in rows(path)]
    assert kept == list(range(1, files + 1))


def test_sqlite_keeps_the_newest_rows(tmp_path: Path) -> None:
    output = SqliteFile(tmp_path / "log.db", 10)
    for number in range(25):
        output.show(result(number))
        assert len(frames(tmp_path / "log.db")) <= 10
    output.close()
    output = SqliteFile(tmp_path / "log.db", 10)
    output.show(result(0))
    output.close()
    assert frames(tmp_path / "log.db") == [*range(16, 25), 0]


def test_sqlite_refuses_what_is_no_database_of_its_own(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    with pytest.raises(OutputError, match="another program"):
        SqliteFile(foreign, 10)
    (tmp_path / "text.db").write_text("no database " * 200)
    with pytest.raises(OutputError, match="not a database"):
        SqliteFile(tmp_path / "text.db", 10)


@pytest.mark.parametrize("kind", [CsvFile, SqliteFile])
def test_a_path_that_cannot_be_written_is_an_error_at_the_start(tmp_path: Path, kind: type) -> None:
    (tmp_path / "file").write_text("")
    arguments = (1000, 2) if kind is CsvFile else (10,)
    with pytest.raises(OutputError, match="cannot be"):
        kind(tmp_path / "file" / "log", *arguments)


# Shows frame after frame; prints each number once the file has it.
_WRITER = """
import sys
from itertools import count
from pathlib import Path
from results import result
from fedge.outputs.files.sqlite_file import SqliteFile
output = SqliteFile(Path(sys.argv[1]), 10**6)
for number in count():
    output.show(result(number))
    print(number, flush=True)
"""


def test_sqlite_loses_nothing_when_its_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, path], stdout=subprocess.PIPE, text=True, env=environment)
    assert writer.stdout is not None
    told = [int(writer.stdout.readline()) for _ in range(200)]
    writer.send_signal(signal.SIGKILL)
    told += [int(line) for line in writer.stdout.read().splitlines()]
    writer.stdout.close()
    writer.wait()
    found = frames(path)
    assert found[: len(told)] == told
    # The last row may be written and not told of.
    assert len(found) - len(told) in (0, 1)


# A limit on the size of files makes writes fail in the middle, as a full disk does, and can be lifted again.
_FULL = """
import resource, sys
from pathlib import Path
from results import result
from waiting import eventually
from fedge.runner.health import Health
from fedge.outputs.files.csv_file import CsvFile
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.files.sqlite_file import SqliteFile
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
health = Health()
csv, sqlite = CsvFile(folder / "log.csv", 10**7, 2), SqliteFile(folder / "log.db", 10**6)
csv.longest_pause_s = sqlite.longest_pause_s = 0.05
# The limit meets one file long before the other; until then the loop goes on.
csv.backlog = sqlite.backlog = 100_000
hub = Hub([csv, sqlite], health)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
number = 0
while not all(status.failing for status in health.snapshot().outputs.values()):
    hub.show(result(number))
    number += 1
    hub.drain()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
eventually(lambda: all(status.state == "ok" for status in health.snapshot().outputs.values()))
hub.show(result(number))
# Closing gives what is queued a second only; on a busy machine that is too little for so much.
hub.drain()
hub.close()
print(number)
"""


def test_a_full_disk_degrades_both_files_and_both_come_back_without_a_loss(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    limit = 100_000
    done = subprocess.run(
        [sys.executable, "-c", _FULL, tmp_path, str(limit)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    last = int(done.stdout)
    assert [int(row["frame"]) for row in rows(tmp_path / "log.csv")] == list(range(last + 1))
    assert frames(tmp_path / "log.db") == list(range(last + 1))
    assert (tmp_path / "log.csv").stat().st_size > limit
    for name in ("csv", "sqlite"):
        assert done.stderr.count(f"the output {name} fails (") == 1
        assert done.stderr.count(f"the output {name} works again, 0 results dropped") == 1


def test_a_full_disk_leaves_no_part_of_a_csv_line(tmp_path: Path) -> None:
    output = CsvFile(tmp_path / "log.csv", 1 << 20, 2)
    output.show(result(0))
    size = (tmp_path / "log.csv").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for ten bytes of a line that is far longer.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            output.show(result(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "log.csv").stat().st_size == size
    output.show(result(1))
    output.close()
    assert [row["frame"] for row in rows(tmp_path / "log.csv")] == ["0", "1"]

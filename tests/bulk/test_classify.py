"""`fedge classify` as a process: on this machine's workers and on a cluster's, killed and taken up again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import pyarrow.dataset as ds
import pytest
from support import Finished, fedge, one_line_error
from waiting import eventually, free_port

from fedge.bulk.cluster import KEPT, open_cluster
from fedge.bulk.items import Item, Partition
from fedge.bulk.results import open_results
from fedge.bulk.rows import as_parquet
from fedge.bulk.worker import ModelPlugin
from fedge.errors import BulkError

CLASSES = {"t-shirt-top": "T-shirt/top", "ankle-boot": "Ankle boot"}
SETTINGS = {"sources": ["a"], "model_sha256": "0"}


def rows(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ds.dataset(folder, format="parquet").to_table().to_pylist()
    return sorted(found, key=lambda row: str(row["uri"]))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures in class folders, and one that is none."""
    root = tmp_path_factory.mktemp("photos")
    assert fedge("samples", root / "all", "--count", 40).code == 0
    for path in list((root / "all").iterdir()):
        folder = root / path.stem.rpartition("-")[0]
        folder.mkdir(exist_ok=True)
        path.rename(folder / path.name)
    (root / "all").rmdir()
    (root / "bag/broken.png").write_bytes(b"none")
    return root


def classify(*arguments: object) -> Finished:
    return fedge("classify", *arguments, "--json", "--model", "nano")


def test_the_rows_are_those_of_run_on_any_number_of_workers(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "map.json").write_text(json.dumps(CLASSES))
    done = classify(photos, "--out", tmp_path / "one", "--workers", 1, "--partition", 7)
    assert done.code == 0, done.err
    assert "dashboard: http://127.0.0.1:" in done.err
    two = classify(photos, "--out", tmp_path / "two", "--workers", 2, "--partition", 5, "--map", tmp_path / "map.json")
    assert two.code == 0, two.err
    found = rows(tmp_path / "one")
    assert [{**row, "truth": None} for row in rows(tmp_path / "two")] == [{**row, "truth": None} for row in found]
    lines = {line["source"]: line for line in fedge("run", "nano", "--source", photos, "--json").lines()}
    for row in found:
        if row["error"]:
            assert row["uri"].endswith("broken.png") and row["uri"] not in lines and row["label"] is None
            continue
        line = lines.pop(row["uri"])
        assert (row["label"], row["score"]) == (line["label"], line["score"])
        assert [[top["label"], top["score"]] for top in row["top"]] == line["top"]
        assert (row["rejected"], row["empty"]) == (line.get("rejected", False), line.get("empty", False))
        assert (row["quality"], row["model_sha256"]) == (line.get("quality"), line["model_sha256"])
    assert not lines
    report, known = two.json(), two.json()["known"]
    assert (report["pictures"], report["errors"], report["partitions"]) == (41, 1, 9)
    # The other folders' names are written small, and so are none of the model's classes.
    compared = [(CLASSES[name], row) for row in found if (name := Path(row["uri"]).parent.name) in CLASSES]
    assert known["n"] == len(compared) == 8 and sum(known["foreign"].values()) == 32
    assert known["right"] == sum(row["top"][0]["label"] == label for label, row in compared)
    assert known["answered_right"] == sum(row["label"] == label for label, row in compared)
    assert known["accuracy_lower95"] <= known["accuracy"] <= known["accuracy_upper95"]


def program(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, **environment}, **quiet)  # type: ignore[call-overload, no-any-return]


@contextmanager
def ended(*processes: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_what_is_killed_on_a_cluster_is_made_up_for(photos: Path, tmp_path: Path) -> None:
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = program(
        "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", "--no-show"
    )
    worker = ("distributed.cli.dask_worker", address, "--no-nanny", "--no-dashboard", "--nthreads", 1)
    folders = ["--local-directory", tmp_path]
    workers = [program(*worker, *folders) for _ in range(2)]
    names = [str(path) for path in sorted(photos.rglob("*.png"))]
    (tmp_path / "list.txt").write_text("".join(f"{name}\n" for name in names * 20))
    asked = (tmp_path / "list.txt", "--out", tmp_path / "out", "--partition", 10, "--cluster", address)
    with ended(scheduler, *workers):
        client = program("fedge", "classify", *asked, "--model", "nano")
        with ended(client):
            eventually(lambda: any((tmp_path / "out").glob("part-*")), 60)
            os.kill(workers[0].pid, signal.SIGKILL)
            os.kill(client.pid, signal.SIGKILL)
        written = len(list((tmp_path / "out").glob("part-*")))
        done = classify(*asked)
        lost = [sys.executable, "-m", "fedge", "classify", *map(str, asked), "--model", "nano"]
        lost[lost.index("--out") + 1] = str(tmp_path / "lost")
        with subprocess.Popen(lost, stderr=subprocess.PIPE, text=True) as client_of_none:
            assert client_of_none.stderr is not None
            eventually(lambda: any((tmp_path / "lost").glob("part-*")), 60)
            scheduler.kill()
            said = client_of_none.stderr.read().splitlines()
        assert client_of_none.returncode == 1 and len(said) == 2 and "the cluster is lost" in said[1], said
    assert done.code == 0, done.err
    report = done.json()
    assert report["partitions"] == 82 and report["partitions_before"] >= min(written, 1)
    assert report["pictures"] == len(names) * 20 and report["errors"] == 20
    found = ds.dataset(tmp_path / "out", format="parquet").to_table(columns=["uri"])["uri"].to_pylist()
    assert sorted(found) == sorted(names * 20)
    assert not list((tmp_path / "out").glob("*.unfinished"))


def test_a_worker_keeps_memory_for_the_next_picture_and_computes_on_one_thread() -> None:
    with open_cluster(None, 1, ModelPlugin(b"", "0")) as client:
        (given,) = client.run(lambda: dict(os.environ)).values()
        (threads,) = client.run(cv2.getNumThreads).values()
    assert {name: given[name] for name in KEPT} == {name: str(value) for name, value in KEPT.items()}
    assert threads == 1


def test_a_cluster_that_is_none_is_one_line(photos: Path, tmp_path: Path) -> None:
    done = fedge("classify", photos, "--out", tmp_path / "out", "--cluster", "nonsense://127.0.0.1:1")
    assert "no scheduler answers" in one_line_error(done) and done.code == 1
    both = fedge("classify", photos, "--out", tmp_path / "out", "--cluster", "tcp://h:1", "--workers", 2)
    assert both.code == 2 and "--workers" in both.err


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(BulkError, match="something else"), open_results(tmp_path, SETTINGS):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_another_run_of_the_folder_is_refused(tmp_path: Path) -> None:
    again = pytest.raises(BulkError, match="another process")
    with open_results(tmp_path, SETTINGS), again, open_results(tmp_path, SETTINGS):
        pass
    with pytest.raises(BulkError, match="model_sha256 differs"), open_results(tmp_path, SETTINGS | {"model_sha256": 1}):
        pass
    (tmp_path / "_classify.json").write_text("{")
    with pytest.raises(BulkError, match="damaged"), open_results(tmp_path, SETTINGS):
        pass


def test_partitions_of_other_pictures_are_refused(tmp_path: Path) -> None:
    partition = Partition(0, (Item("a", "a"),))
    with open_results(tmp_path, SETTINGS) as results:
        assert not results.has(partition)
        results.write(0, as_parquet([{"uri": "a"}], partition.digest, False))
        (tmp_path / "_part-000001.unfinished").write_bytes(b"half")
        assert results.has(partition)
        results.require_no_more(1)
        with pytest.raises(BulkError, match="more pictures"):
            results.require_no_more(0)
        with pytest.raises(BulkError, match="have changed"):
            results.has(Partition(0, (Item("b", "b"),)))
        results.path(0).write_bytes(b"half")
        with pytest.raises(BulkError, match="damaged"):
            results.has(partition)
    with open_results(tmp_path, SETTINGS):
        assert not (tmp_path / "_part-000001.unfinished").exists()

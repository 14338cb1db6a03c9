"""`kill -9` at random points of what writes files: afterwards there is the old state or the new one, and it goes on.

python tests/bench/kill9.py [--points 500] [--training 10] [--seed 0] [--only NAME]

A command that changes files is killed at one of the calls with which it opens, renames, links or removes one, or up to
two milliseconds later. An output of `fedge run` is killed after some number of answers: what was answered and is not in
the file is lost. A training and a quantization are killed `--training` times each, as each takes seconds.
"""

import argparse
import csv
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import bench_common  # noqa: F401
import cv2
from killing import Change, Found, Kept, call, try_change, try_output
from pictures_for_tests import jpeg, scene
from releases import Device, Maker, other_model
from support import write_class_folders

from fedge.commands.device import release, update
from fedge.commands.replay import replay
from fedge.model import file as model_file
from fedge.model.shipped import shipped_models
from fedge.runner.recording import PICTURES_WAITING
from fedge.runner.segment_reader import read_lines
from fedge.runner.segments import segments
from fedge.store.prove import Proof
from fedge.store.store import Store
from fedge.system.files import sha256


def _store(folder: Path) -> Store:
    store = Store(folder / "store")
    for entry in store.journal().entries:
        assert sha256(store.path(entry.sha256).read_bytes()) == entry.sha256
    assert store.current is None or model_file.read(store.path(store.current))
    return store


def _two_models(folder: Path) -> None:
    store = Store(folder / "store")
    store.use(store.add(shipped_models()["small"], "1"))
    store.add(shipped_models()["nano"], "2")


def _second_current(folder: Path) -> None:
    _two_models(folder)
    store = Store(folder / "store")
    store.use(store.find("2"))


def _one_release(folder: Path) -> None:
    maker = Maker(folder)
    maker.add(shipped_models()["nano"], "1")
    other_model(folder / "second.tflite", 2)


def _is_released(folder: Path) -> bool:
    """Whether a new device takes the second release."""
    update.prove = lambda path: Proof(True)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as scratch:
        device = Device(Path(scratch) / "store", str(folder / "repo"), folder / "repo" / "root.json")
        taken = device.update().current
    assert {each.version for each in release.status(folder / "repo").releases} <= {"1", "2"}
    return taken == sha256((folder / "second.tflite").read_bytes())


def _pictures(folder: Path) -> None:
    write_class_folders(folder / "data", ["Bag", "Sneaker"], 40)


def _run(folder: Path) -> None:
    _pictures(folder)
    done = call(folder, 0, 0, _training(folder))
    assert done.returncode == 0, done.stderr


def _training(folder: Path) -> list[object]:
    quick = ("--arch", "nano", "--size", 16, "--gray", "--epochs", 2, "--out", folder / "run")
    return ["train", "--data", folder / "data", *quick]


def _go_on(folder: Path) -> list[object]:
    begun = (folder / "run" / "config.json").exists()
    return ["train", "--resume", "--out", folder / "run"] if begun else _training(folder)


def _config(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(jpeg(scene(0)))
    (folder / "fedge.toml").write_text("frames = 5\n")


def _is_saved(folder: Path) -> bool:
    text = (folder / "fedge.toml").read_text()
    assert text == "frames = 5\n" or text.endswith("frames = 1\n"), text
    return text != "frames = 5\n"


CHANGES = (
    Change(
        "models add",
        lambda folder: Store(folder / "store").use(Store(folder / "store").add(shipped_models()["small"])),
        lambda folder: ["models", "add", shipped_models()["nano"], "--store", folder / "store"],
        lambda folder: len(_store(folder).journal().entries) == 2,
    ),
    Change(
        "models use",
        _two_models,
        lambda folder: ["models", "use", "2", "--store", folder / "store"],
        lambda folder: _store(folder).current == _store(folder).find("2").sha256,
    ),
    Change(
        "models rollback",
        _second_current,
        lambda folder: ["models", "rollback", "--store", folder / "store"],
        lambda folder: _store(folder).current == _store(folder).find("1").sha256,
    ),
    Change(
        "release add",
        _one_release,
        lambda folder: [
            *("release", "add", folder / "second.tflite", "--version", "2"),
            *("--repo", folder / "repo", "--keys", folder / "keys"),
        ],
        _is_released,
    ),
    Change(
        "run --save-config",
        _config,
        lambda folder: [
            *("run", "--source", folder / "a.jpg", "--frames", 1, "--save-config", folder / "fedge.toml"),
        ],
        _is_saved,
    ),
)
TRAINING = (
    Change("train", _pictures, _training, lambda folder: (folder / "run" / "report.json").is_file(), _go_on),
    Change(
        "quantize",
        _run,
        lambda folder: ["quantize", folder / "run", "--method", "ptq", "--unproved", "--out", folder / "m.tflite"],
        lambda folder: (folder / "m.tflite").exists() and bool(model_file.read(folder / "m.tflite")),
    ),
)


def _rows(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return sum(row["model_sha256"] is not None and len(row["model_sha256"]) == 64 for row in rows)


def _database_rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return sum(opened.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables)


def _recorded(path: Path) -> int:
    if not path.is_dir() or not any(read_lines(part) for part in segments(path)):
        return 0
    return replay(path, None).frames


def _video(path: Path) -> None:
    """A video that is there can be played; there is none before its end."""
    assert not path.exists() or cv2.VideoCapture(str(path)).read()[0]


def _unsure(path: Path) -> None:
    for picture in path.glob("*.jpg"):
        assert cv2.imread(str(picture)) is not None, picture


OUTPUTS = (
    Kept("--csv", "log.csv", _rows),
    Kept("--sqlite", "log.db", _database_rows),
    Kept("--record", "kept", _recorded, 1 + PICTURES_WAITING),
    Kept("--save", "out.avi", _video),
    Kept("--unsure", "unsure", _unsure),
)


def main() -> int:
    """Prints a row for each command and output; exit code 1 where a kill left what cannot be read or went too far."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=500, help="of all commands and outputs together")
    parser.add_argument("--training", type=int, default=10, help="of a training, and of a quantization")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="the name of one command or output")
    asked = parser.parse_args()
    generator = random.Random(asked.seed)
    each = max(1, (asked.points - 2 * asked.training) // (len(CHANGES) + len(OUTPUTS)))
    tasks: list[tuple[str, int, Callable[[int, random.Random, Path], Found]]] = [
        *((c.name, each, lambda n, g, s, c=c: try_change(c, n, g, s)) for c in CHANGES),  # type: ignore[misc]
        *((c.name, asked.training, lambda n, g, s, c=c: try_change(c, n, g, s)) for c in TRAINING),  # type: ignore[misc]
        *((f"run {o.option}", each, lambda n, g, s, o=o: try_output(o, n, g, s)) for o in OUTPUTS),  # type: ignore[misc]
    ]
    bad = 0
    print("| command | kills | old state | new state | records lost, at most | wrong |\n|---|---|---|---|---|---|")
    for name, points, attempt in tasks:
        if asked.only not in ("", name) or not points:
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = attempt(points, generator, Path(folder))
        bad += len(found.problems)
        print(f"| `{name}` | {points} | {found.old} | {found.new} | {found.lost} | {len(found.problems)} |", flush=True)
        for problem in found.problems[:3]:
            print(f"  {name}: {problem}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""Peak memory of `fedge train --data` against the number of photographs: 100,000 at 224 pixels in at most 4 GB.

python tests/bench/data_memory.py [--counts 1000 4000 12000] [--size 224] [--arch lite0] [--quantize]

The pictures are drawn: JPEGs of another scene each, a tint for each class. Each training is a process of its own with
an empty cache of pictures; its peak is the system's (VmHWM). What 100,000 would take is the last two counts' straight
line: from 10,001 pictures on, features are computed of the pictures alone, and below of their mirror images too.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from bench_common import verdict
from pictures_for_tests import jpeg, scene

from fedge.data.decoded.cache import FOLDER_VARIABLE

LIMIT_GB, MANY = 4.0, 100_000
CLASSES = 4


def draw(folder: Path, count: int, size: int) -> list[Path]:
    """`count` JPEGs in a folder for each class."""
    tints = np.random.default_rng(0).uniform(0.6, 1.0, (CLASSES, 3))
    paths = []
    for number in range(count):
        path = folder / f"class-{number % CLASSES}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        tinted = scene(number, size, size) * tints[number % CLASSES]
        path.write_bytes(jpeg(np.asarray(tinted, dtype=np.uint8)))
        paths.append(path)
    return paths


def peak_gb(command: list[str], cache: Path) -> tuple[float, float]:
    """Runs `fedge COMMAND`; gives its largest resident memory in GB, and seconds. Ends the script where it fails."""
    started = perf_counter()
    environment = {**os.environ, FOLDER_VARIABLE: str(cache)}
    with subprocess.Popen([sys.executable, "-m", "fedge", *command], env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"fedge {' '.join(command)} ended with {process.returncode}")
    return usage.ru_maxrss * 1024 / 1e9, perf_counter() - started


def at_many(counts: list[int], peaks: list[float]) -> tuple[float, float]:
    """Kilobytes for each picture more, between the last two counts, and gigabytes at 100,000."""
    slope = (peaks[-1] - peaks[-2]) / (counts[-1] - counts[-2])
    return slope * 1e6, peaks[-1] + slope * (MANY - counts[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 4000, 12_000])
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--arch", default="lite0")
    parser.add_argument("--epochs", type=int, help="for an architecture that is trained as a whole")
    parser.add_argument("--quantize", action="store_true", help="measure `fedge quantize` too")
    asked = parser.parse_args()
    counts = sorted(asked.counts)
    cv2.setNumThreads(1)
    peaks: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = draw(folder / "all", counts[-1], asked.size)
        for count in counts:
            data, run, cache = (folder / f"{what}-{count}" for what in ("photos", "run", "cache"))
            for path in paths[:count]:
                linked = data / path.relative_to(folder / "all")
                linked.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, linked)
            options = ["--data", str(data), "--arch", asked.arch, "--size", str(asked.size), "--out", str(run)]
            commands = {"train": ["train", *options, *(["--epochs", str(asked.epochs)] if asked.epochs else [])]}
            if asked.quantize:
                commands["quantize"] = ["quantize", str(run), "--unproved"]
            for what, command in commands.items():
                peak, seconds = peak_gb(command, cache)
                peaks.setdefault(what, []).append(peak)
                held = sum(path.stat().st_size for path in cache.iterdir()) / 1e9
                print(f"{what}, {count:,} pictures: {peak:.3f} GB, {seconds:.0f} s, {held:.2f} GB on disk", flush=True)
    passed = True
    for what, found in peaks.items():
        if len(found) > 1:
            slope, gigabytes = at_many(counts, found)
            print(f"{what}: {slope:.1f} KB for each picture more")
            passed &= verdict(f"{what}, GB at {MANY:,} pictures", gigabytes, LIMIT_GB, above=False)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

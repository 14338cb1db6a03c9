"""Processor and wall time of `fedge classify`'s workers, on one and on two processes, against plain loops.

python tests/bench/classify_scale.py [--count 256] [--rounds 7] [--model nano] [--kept]

A plain loop reads, decodes, preprocesses and classifies each file: no hash, no rows, no Parquet. It runs in as many
processes of its own as there are workers, with malloc as Python finds it, or with `--kept` as the workers have it. All
are started and warm before the first round; in each round each of the four does the same pictures, one after the other,
in an order that turns, so that the machine's other work meets all of them alike. The ratios are those within a round;
what is told is their median.
"""

import argparse
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from bench_common import verdict

from fedge.bulk.classify import classify_all
from fedge.bulk.cluster import KEPT, open_cluster
from fedge.bulk.items import partitions
from fedge.bulk.listing import Listing
from fedge.bulk.results import open_results
from fedge.bulk.worker import Asked, ModelPlugin
from fedge.model.classifier import load
from fedge.model.file import read_bytes
from fedge.model.shipped import find_model

SIZE = 64
FILES = 50
WORKERS = (1, 2)


@dataclass(frozen=True)
class Took:
    """What the pictures of a round took: seconds on the wall clock, and of all its processes' processors."""

    wall: float
    cpu: float


Work = Callable[[], Took]


def cpu_seconds() -> float:
    """Of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def plain_loop(names: list[str], model: str) -> float:
    """Classifies files one after the other, with a classifier that stays loaded; gives its processor's seconds."""
    if model not in _loaded:
        cv2.setNumThreads(1)
        _loaded[model] = load(model)
    started = cpu_seconds()
    for name in names:
        _loaded[model](name)
    return cpu_seconds() - started


_loaded: dict[str, Any] = {}


@contextmanager
def plain_loops(names: list[str], model: str, processes: int) -> Iterator[Work]:
    """Plain loops that share the names, each in a process of its own."""
    shares = [names[i::processes] for i in range(processes)]
    with ExitStack() as stack:
        # A pool each: one that is shared may give two shares to the same process.
        pools = [stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn"))) for _ in range(processes)]

        def work() -> Took:
            started = perf_counter()
            loops = [pool.submit(plain_loop, share, model) for pool, share in zip(pools, shares, strict=True)]
            spent = sum(loop.result() for loop in loops)
            return Took(perf_counter() - started, spent)

        # Before a cluster is opened, as Dask leaves its variables in this process, and so to its children.
        work()
        yield work


@contextmanager
def cluster(names: list[str], model: str, workers: int, folder: Path) -> Iterator[Work]:
    """The workers of `fedge classify`, and all that it writes."""
    sha256 = load(model).model.sha256
    asked = Asked(sha256, "normal", False)
    listed = folder / f"list{workers}.txt"
    listed.write_text("".join(f"{name}\n" for name in names))
    with open_cluster(None, workers, ModelPlugin(read_bytes(find_model(model)), sha256)) as client:
        done = 0

        def work() -> Took:
            nonlocal done
            done += 1
            with open_results(folder / f"out{workers}-{done}", {}) as results:
                before, started = cpu_seconds() + sum(client.run(cpu_seconds).values()), perf_counter()
                classify_all(client, partitions(Listing((str(listed),)), SIZE), asked, results, lambda count, had: None)
                wall = perf_counter() - started
                return Took(wall, cpu_seconds() + sum(client.run(cpu_seconds).values()) - before)

        work()
        yield work


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--kept", action="store_true")
    asked = parser.parse_args()
    if asked.kept:
        os.environ |= {name: str(value) for name, value in KEPT.items()}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        noise = np.random.default_rng(0).integers(0, 256, (FILES, 64, 64, 3), np.uint8)
        for i, picture in enumerate(noise):
            cv2.imwrite(str(folder / f"{i}.jpg"), cv2.resize(picture, (640, 480)))
        names = [str(folder / f"{i % FILES}.jpg") for i in range(asked.count)]
        works = {}
        for workers in WORKERS:
            works["plain", workers] = stack.enter_context(plain_loops(names, asked.model, workers))
        for workers in WORKERS:
            works["fedge", workers] = stack.enter_context(cluster(names, asked.model, workers, folder))
        rounds = []
        for number in range(asked.rounds):
            turned = list(works)[number % len(works) :] + list(works)[: number % len(works)]
            rounds.append({key: works[key]() for key in turned})
    tell(rounds, asked.count)


def tell(rounds: list[dict[tuple[str, int], Took]], count: int) -> None:
    """Prints medians over the rounds."""
    for kind, workers in rounds[0]:
        wall = median(each[kind, workers].wall for each in rounds)
        cpu = median(each[kind, workers].cpu for each in rounds)
        print(f"{kind}, {workers} processes: {count / wall:,.0f} pictures/s, {1e3 * cpu / count:.3f} ms of CPU each")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {len(rounds)} rounds")
    for clock in ("cpu", "wall"):

        def ratio(over: tuple[str, int], under: tuple[str, int], clock: str = clock) -> float:
            return median(getattr(each[over], clock) / getattr(each[under], clock) for each in rounds)

        share = 2 if clock == "wall" else 1
        verdict(f"{clock}: one process against a plain loop", ratio(("plain", 1), ("fedge", 1)), 0.95, above=True)
        verdict(f"{clock}: efficiency of two processes", ratio(("fedge", 1), ("fedge", 2)) / share, 0.9, above=True)
        print(f"{clock}: the same of plain loops, which share nothing: {ratio(('plain', 1), ('plain', 2)) / share:.3f}")
        verdict(f"{clock}: two processes against two plain loops", ratio(("plain", 2), ("fedge", 2)), 0.95, above=True)


if __name__ == "__main__":
    main()

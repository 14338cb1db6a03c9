"""Seconds from a fault's end to the next frame, over many injected faults: p99 at most 5 s.

    python tests/bench/recovery.py [--stalls 20] [--parallel 2]

Each fault is a stalled or a dead server of half a second to five seconds; `--stalls 1000 --parallel 8` takes a quarter
of an hour.
"""

import argparse
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import numpy as np
from bench_common import verdict
from mjpeg_server import MjpegServer, mjpeg_server

from fedge.images.preprocess import Recipe
from fedge.options import AS_IT_COMES, FaultLimits
from fedge.runner.health import Health
from fedge.sources.base import Frame
from fedge.sources.factory import open_source

LIMIT_SECONDS = 5.0
LONGEST_FAULT, LONGEST_PAUSE = 5.0, 0.5


def recoveries(count: int, seed: int) -> list[float]:
    """Injects `count` faults into one stream, and gives the seconds that each recovery took."""
    chance = random.Random(seed)
    health = Health()
    taken: list[float] = []
    with mjpeg_server(interval=0.05) as server:
        source = open_source(server.url, AS_IT_COMES, health, FaultLimits(), Recipe(28, 28))
        change_at, begun, ended = monotonic() + 1, False, 0.0
        dies = False
        for item in source.frames():
            now = monotonic()
            if ended and isinstance(item, Frame) and item.captured > ended:
                taken.append(item.captured - ended)
                change_at, ended = now + chance.uniform(0, LONGEST_PAUSE), 0.0
                if len(taken) == count:
                    break
            if ended or now < change_at:
                continue
            if begun:
                _end(server, dies)
                begun, ended = False, monotonic()
            else:
                dies = chance.random() < 0.3
                _begin(server, dies)
                begun, change_at = True, now + chance.uniform(0.5, LONGEST_FAULT)
        source.close()
    return taken


def _begin(server: MjpegServer, dies: bool) -> None:
    if dies:
        server.die()
    else:
        server.stalled.set()


def _end(server: MjpegServer, dies: bool) -> None:
    if dies:
        server.start()
    else:
        server.stalled.clear()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stalls", type=int, default=20)
    parser.add_argument("--parallel", type=int, default=2)
    arguments = parser.parse_args()
    share = -(-arguments.stalls // arguments.parallel)
    with ThreadPoolExecutor(arguments.parallel) as pool:
        parts = list(pool.map(recoveries, [share] * arguments.parallel, range(arguments.parallel)))
    seconds = np.concatenate(parts)
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
    most = seconds.max()
    print(f"{len(seconds)} faults: recovered after p50 {p50:.3f}, p95 {p95:.3f}, p99 {p99:.3f}, most {most:.3f} s")
    return 0 if verdict("p99 of recovery, s", float(p99), LIMIT_SECONDS, above=False) else 1


if __name__ == "__main__":
    sys.exit(main())

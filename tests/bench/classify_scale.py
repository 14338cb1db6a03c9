"""Pictures a second of `fedge classify`'s workers, on 1 and on 2 processes, against a plain loop in this process.

python tests/bench/classify_scale.py [--count 2000] [--model nano]

The CPU time of all processes is told besides: on a busy machine the wall clock says more of its other work.
"""

import argparse
import os
import resource
import tempfile
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from bench_common import verdict

from fedge.bulk.classify import classify_all
from fedge.bulk.cluster import open_cluster
from fedge.bulk.items import partitions
from fedge.bulk.listing import Listing
from fedge.bulk.results import open_results
from fedge.bulk.worker import Asked, ModelPlugin, classify_items
from fedge.model.classifier import load
from fedge.model.file import read_bytes
from fedge.model.shipped import find_model

SIZE = 128


def cpu_seconds() -> float:
    """Of this process and of all that it has waited for."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--model", default="nano")
    asked = parser.parse_args()
    classifier = load(asked.model)
    sha256 = classifier.model.sha256
    common = Asked(sha256, "normal", False)
    plugin = ModelPlugin(read_bytes(find_model(asked.model)), sha256)
    cv2.setNumThreads(1)
    rates = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noise = np.random.default_rng(0).integers(0, 256, (50, 64, 64, 3), np.uint8)
        for i, picture in enumerate(noise):
            cv2.imwrite(str(folder / f"{i}.jpg"), cv2.resize(picture, (640, 480)))
        names = [str(folder / f"{i % 50}.jpg") for i in range(asked.count)]
        (folder / "list.txt").write_text("".join(f"{name}\n" for name in names))
        listing = Listing((str(folder / "list.txt"),))
        started, cpu = perf_counter(), cpu_seconds()
        for partition in partitions(listing, SIZE):
            classify_items(partition, classifier, common)
        rates[0] = asked.count / (perf_counter() - started)
        print(f"plain loop: {rates[0]:,.0f} pictures/s, {1e3 * (cpu_seconds() - cpu) / asked.count:.3f} ms of CPU each")
        for workers in (1, 2):
            with (
                open_results(folder / f"out{workers}", {}) as results,
                open_cluster(None, workers, plugin) as client,
            ):
                # Loads the model and its libraries, which a plain loop has done too.
                client.run(classify_partition_of, names[0], common)
                started, cpu = perf_counter(), cpu_seconds() + sum(client.run(cpu_seconds).values())
                classify_all(client, partitions(listing, SIZE), common, results, lambda count, before: None)
                rates[workers] = asked.count / (perf_counter() - started)
                spent = cpu_seconds() + sum(client.run(cpu_seconds).values()) - cpu
            each = 1e3 * spent / asked.count
            print(f"{workers} processes: {rates[workers]:,.0f} pictures/s, {each:.3f} ms of CPU each", flush=True)
    load_now = os.getloadavg()[0]
    print(f"load of the machine: {load_now:.1f} on {os.cpu_count()} cores")
    verdict("one process against a plain loop", rates[1] / rates[0], 0.95, above=True)
    verdict("efficiency of two processes", rates[2] / rates[1] / 2, 0.9, above=True)


def classify_partition_of(name: str, common: Asked) -> None:
    """Classifies one picture on a worker."""
    from fedge.bulk.items import Item, Partition
    from fedge.bulk.worker import classify_partition

    classify_partition(Partition(0, (Item(name, name),)), common)


if __name__ == "__main__":
    main()

"""Partitions to workers, and their rows into the folder of results."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from distributed import as_completed

from fedge.bulk.items import Partition
from fedge.bulk.results import Results
from fedge.bulk.worker import Asked, classify_partition
from fedge.errors import BulkError

# For each thread of a worker: what it computes, and what it finds waiting when it is done.
_AHEAD = 3
_RETRIES = 2
# How many partitions go by until workers that have come or gone are counted again.
_RECOUNT = 32

Report = Callable[[int, bool], None]
_AGAIN = "run the same command again: it goes on where this one stopped"


def classify_all(
    client: Any, partitions: Iterator[Partition], asked: Asked, results: Results, report: Report
) -> tuple[int, int]:
    """Classifies the partitions that are not written yet.

    Args:
        client: Dask's; its workers have the model.
        partitions: in order; only a few for each worker are held at a time.
        asked: what they have in common.
        results: where the rows go.
        report: is told of each partition how many pictures it has, and whether it had been written before.

    Returns:
        how many partitions there are, and how many of them had been written before.

    Raises BulkError where the cluster is lost, or a partition cannot be classified on any worker.
    """
    run = uuid.uuid4().hex
    pending: dict[Any, Partition] = {}
    done = as_completed()
    total = before = submitted = window = 0
    try:
        for partition in partitions:
            total += 1
            if results.has(partition):
                before += 1
                report(len(partition.items), True)
                continue
            if submitted % _RECOUNT == 0:
                window = _AHEAD * max(1, sum(client.nthreads().values()))
            while len(pending) >= window:
                _take(next(done), pending, results, report)
            key = f"fedge-{run}-{partition.number}"
            future = client.submit(classify_partition, partition, asked, key=key, retries=_RETRIES)
            pending[future] = partition
            done.add(future)
            submitted += 1
        while pending:
            _take(next(done), pending, results, report)
    except (OSError, TimeoutError) as error:
        if client.status == "running" and getattr(error, "filename", None) is not None:
            raise
        raise BulkError("the cluster is lost", _AGAIN) from error
    return total, before


def _take(future: Any, pending: dict[Any, Partition], results: Results, report: Report) -> None:
    partition = pending.pop(future)
    if future.status == "finished":
        results.write(partition.number, future.result())
        future.release()
        report(len(partition.items), False)
        return
    if future.status in ("cancelled", "lost"):
        raise BulkError("the cluster is lost", _AGAIN)
    error = future.exception()
    first, last = partition.items[0].uri, partition.items[-1].uri
    raise BulkError(
        f"partition {partition.number}, from {first} to {last}, cannot be classified ({type(error).__name__}: {error})",
        f"{_AGAIN}; where it fails again, take its pictures out",
    )

"""The processes that classify: a local cluster of them, or those of a scheduler that is there already."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import dask
from distributed import Client, LocalCluster

from fedge.bulk.worker import ModelPlugin
from fedge.errors import BulkError

_CONNECT_SECONDS = 20
_MIB = 1 << 20
# Dask's threshold has malloc give each picture's memory back to the kernel, and fault it in anew for the next, which
# takes a quarter of all processor time. So much is kept instead; what is larger than the second goes back at once.
KEPT = {"MALLOC_TRIM_THRESHOLD_": 64 * _MIB, "MALLOC_MMAP_THRESHOLD_": 32 * _MIB}
_LOCAL = {f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in KEPT.items()} | {
    # What watches a worker takes the interpreter's lock from the thread that classifies.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.system-monitor.gil.enabled": False,
}


@contextmanager
def open_cluster(address: str | None, workers: int, plugin: ModelPlugin) -> Iterator[Any]:
    """A Dask client whose workers have the model.

    Args:
        address: of a scheduler, `tcp://HOST:PORT`; None for a cluster on this machine.
        workers: how many processes the local cluster has.
        plugin: brings the model.

    Raises BulkError where the scheduler cannot be reached, has no workers, or they lack fedge.
    """
    # A worker that is lost is told by the partitions that take longer; Dask's log is of no use to whoever classifies.
    for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        if address is None:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="fedge-classify-"))
            stack.enter_context(dask.config.set(_LOCAL))
            client = stack.enter_context(Client(stack.enter_context(_local(workers, scratch))))
        else:
            client = stack.enter_context(_connect(address))
        try:
            client.register_plugin(plugin)
        except Exception as error:
            raise BulkError(
                f"the workers of {address} cannot load fedge ({type(error).__name__})",
                "install the same fedge[scale] on them, with the same Python",
            ) from error
        yield client
        if address is not None:
            # Their next client may bring a model of its own; this one's need not stay with them.
            client.unregister_worker_plugin(plugin.name)


def _local(workers: int, scratch: str) -> Any:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        # What a picture takes is told by its pixels; a limit would end the worker at a large one.
        memory_limit=0,
        dashboard_address="127.0.0.1:0",
        local_directory=scratch,
        silence_logs=logging.CRITICAL,
    )


def _connect(address: str) -> Any:
    try:
        client = Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        raise BulkError(f"no scheduler answers at {address}", "start `dask scheduler`, or check --cluster") from error
    try:
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
    except TimeoutError as error:
        client.close()
        raise BulkError(f"the scheduler at {address} has no workers", f"start `dask worker {address}`") from error
    return client

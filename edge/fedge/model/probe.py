"""Loads the flatbuffer on standard input and invokes it once, within limits: `python -P -m fedge.model.probe`.

With the argument `reference` by the reference kernels.
"""

import resource
import sys

import numpy as np

from fedge.model.format.flatbuffer import read_graph
from fedge.model.interpreter import Network

ADDRESS_SPACE_BYTES = 2 << 30
CPU_SECONDS = 20


def main() -> None:
    """Ends with exit code 0 if the network loads and runs; else by an error or a signal."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    flatbuffer = sys.stdin.buffer.read()
    network = Network(flatbuffer, reference="reference" in sys.argv[1:])
    given = read_graph(flatbuffer).inputs[0]
    network.logits(np.zeros(given.shape[1:], dtype=given.dtype))


if __name__ == "__main__":
    main()

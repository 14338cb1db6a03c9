"""The interpreter that runs the network: LiteRT, or the older tflite-runtime."""

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedge.errors import FedgeError, MissingExtra, ProbeFailed
from fedge.system.native_stderr import suppress_native_stderr

LITERT, TFLITE_RUNTIME = "ai_edge_litert", "tflite_runtime"
CHOICE = "FEDGE_RUNTIME"
_PROBE_SECONDS = 30

Constant = NDArray[np.float64]


class Network:
    """A loaded int8 network.

    Args:
        flatbuffer: a TFLite model with one input [1, h, w, c] and one output [1, classes].
        threads: how many threads an invocation uses; on networks of this size, more than one thread makes the slowest
            invocations slower.
        reference: whether the plain, slow reference kernels compute it instead of the fast ones.
    """

    def __init__(self, flatbuffer: bytes, threads: int = 1, reference: bool = False) -> None:
        module = _interpreter_module()
        kernels = module.OpResolverType.BUILTIN_REF if reference else module.OpResolverType.AUTO
        with suppress_native_stderr():
            self._interpreter = module.Interpreter(
                model_content=flatbuffer, num_threads=threads, experimental_op_resolver_type=kernels
            )
            self._interpreter.allocate_tensors()
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._output: int = self._interpreter.get_output_details()[0]["index"]

    def logits(self, image: NDArray[Any]) -> NDArray[Any]:
        """The logits, [classes], of one input, [h, w, c], each of the tensor's type: int8 and uint8 as a rule."""
        self._interpreter.set_tensor(self._input, image[np.newaxis])
        self._interpreter.invoke()
        result: NDArray[Any] = self._interpreter.get_tensor(self._output)
        return result.reshape(-1)


def constants(flatbuffer: bytes) -> dict[str, Constant]:
    """The weights and biases of an int8 network as real numbers, by their tensors' names.

    Kernels are int8, biases int32, both with a scale for each output channel, which is the first axis.
    """
    with suppress_native_stderr():
        interpreter = _interpreter_module().Interpreter(model_content=flatbuffer)
    found = {}
    for tensor in interpreter.get_tensor_details():
        scales = tensor["quantization_parameters"]["scales"]
        # Activations have a single scale; tensors without memory before the first inference are no constants.
        if tensor["dtype"] in (np.int8, np.int32) and len(scales) == tensor["shape"][:1].sum() and len(scales) > 1:
            values = interpreter.get_tensor(tensor["index"]).astype(np.float64)
            found[tensor["name"]] = values * scales.reshape(-1, *(1,) * (values.ndim - 1))
    return found


def runtime_name() -> str:
    """The package that `Network` uses here, chosen by $FEDGE_RUNTIME or by what is installed.

    An installed tflite-runtime wins, because only the extra `fedge[tflite-runtime]` installs it.
    """
    chosen = os.environ.get(CHOICE, "").replace("-", "_")
    if chosen and chosen not in (LITERT, TFLITE_RUNTIME):
        raise FedgeError(f"${CHOICE} is {chosen!r}", f"set it to {LITERT} or {TFLITE_RUNTIME}, or unset it")
    for name in (chosen,) if chosen else (TFLITE_RUNTIME, LITERT):
        if importlib.util.find_spec(name):
            return name
    raise MissingExtra(
        f"no TFLite interpreter ({chosen or LITERT}) is installed",
        "run `pip install ai-edge-litert`, or on 32-bit systems `pip install 'fedge[tflite-runtime]'`",
    )


def probe(flatbuffer: bytes, reference: bool = False) -> None:
    """Loads and invokes the network once in a limited process of its own, by the kernels that `Network` would use.

    An interpreter can end its process on a hostile flatbuffer, which Python cannot catch. Raises ProbeFailed.
    """
    mend = "the file is damaged or hostile: do not use it"
    try:
        child = subprocess.run(
            # -P keeps a `numpy.py` in the current folder from being imported in NumPy's place.
            [sys.executable, "-P", "-m", "fedge.model.probe", *(["reference"] if reference else [])],
            input=flatbuffer,
            capture_output=True,
            timeout=_PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ProbeFailed(f"the network did not load within {_PROBE_SECONDS} s", mend) from error
    if child.returncode < 0:
        raise ProbeFailed(f"the interpreter died of signal {-child.returncode} on the network", mend)
    if child.returncode:
        lines = child.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise ProbeFailed(f"the interpreter refused the network ({lines[-1][:200]})", mend)


@contextmanager
def _interrupt_held_back() -> Iterator[None]:
    """Lets Ctrl-C act only after the block: an extension module that is being loaded fails of it, or swallows it."""
    # Python handles signals in the main thread alone; a handler of another language is left in its place.
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


def _interpreter_module() -> Any:
    name = runtime_name()
    try:
        with _interrupt_held_back():
            return importlib.import_module(f"{name}.interpreter")
    except ImportError as error:
        raise MissingExtra(
            f"{name} is installed but does not import ({error})",
            "with NumPy 2 use `pip install ai-edge-litert`; tflite-runtime needs `pip install 'fedge[tflite-runtime]'`",
        ) from error

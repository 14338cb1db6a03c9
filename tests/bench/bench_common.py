"""What the benchmark scripts share; importing it makes the tests' helpers importable too."""

import dataclasses
import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

# Before anything imports cv2: fedge's limits and OpenCV's silence are set by its package.
import fedge  # noqa: F401
from fedge.model import file as model_file
from fedge.model.classifier import Classifier
from fedge.model.shipped import find_model


def whole_picture_classifier() -> Classifier:
    """The network of `base`, shown the whole picture as other tools show it, not the object cut out."""
    content = model_file.read(find_model("base"))
    recipe = dataclasses.replace(content.manifest.preprocessing, cut_out=None)
    return Classifier(
        dataclasses.replace(content, manifest=dataclasses.replace(content.manifest, preprocessing=recipe))
    )


def _serve(pipe: Connection, interval: float) -> None:
    from mjpeg_server import mjpeg_server

    with mjpeg_server(interval=interval) as server:
        pipe.send(server.url)
        pipe.recv()


@contextmanager
def stream_in_a_process(interval: float) -> Iterator[str]:
    """The URL of a 640x480 MJPEG stream that a process of its own serves."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, interval), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join(5)


def verdict(name: str, value: float, limit: float, above: bool) -> bool:
    """Prints a figure against its limit, which it must be `above` or below; says whether it is."""
    passed = value >= limit if above else value <= limit
    print(
        f"{name}: {value:.3f}, {'at least' if above else 'at most'} {limit:g}: {'yes' if passed else 'NO'}", flush=True
    )
    return passed

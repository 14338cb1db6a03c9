"""fedge: labelled pictures to an int8 classifier on a Raspberry Pi camera, proved at each step.

What a program needs stands here, and is loaded when it is first used:

    classifier = fedge.load("small")
    print(classifier("bag.png").label)
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedge.errors import FedgeError
    from fedge.images.preprocess import Recipe, prepare
    from fedge.model.classifier import Answer, Classifier, load
    from fedge.model.file import ModelFile
    from fedge.model.file import read as read_model_file
    from fedge.model.self_test import self_test
    from fedge.sources.backends.in_memory import InMemoryCamera
    from fedge.sources.base import Fault, Frame
    from fedge.sources.factory import open_camera, open_source

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Classifier",
    "Fault",
    "FedgeError",
    "Frame",
    "InMemoryCamera",
    "ModelFile",
    "Recipe",
    "load",
    "open_camera",
    "open_source",
    "prepare",
    "read_model_file",
    "self_test",
]

# A picture of 875 KB can claim gigabytes of pixels. OpenCV reads this cap once, when it is first imported.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "50000000")
# OpenCV's own log would break into one-line errors; what it reports also comes back as a value or an exception.
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# A V4L2 read that gets nothing blocks for ten seconds otherwise; a hanging camera is opened again long before.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")

# Where each name stands: its module, and what it is called there.
_HOMES = {
    "Answer": ("fedge.model.classifier", "Answer"),
    "Classifier": ("fedge.model.classifier", "Classifier"),
    "Fault": ("fedge.sources.base", "Fault"),
    "FedgeError": ("fedge.errors", "FedgeError"),
    "Frame": ("fedge.sources.base", "Frame"),
    "InMemoryCamera": ("fedge.sources.backends.in_memory", "InMemoryCamera"),
    "ModelFile": ("fedge.model.file", "ModelFile"),
    "Recipe": ("fedge.images.preprocess", "Recipe"),
    "load": ("fedge.model.classifier", "load"),
    "open_camera": ("fedge.sources.factory", "open_camera"),
    "open_source": ("fedge.sources.factory", "open_source"),
    "prepare": ("fedge.images.preprocess", "prepare"),
    "read_model_file": ("fedge.model.file", "read"),
    "self_test": ("fedge.model.self_test", "self_test"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

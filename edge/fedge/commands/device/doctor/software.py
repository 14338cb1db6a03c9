"""Operating system, Python and what it imports."""

import importlib
import importlib.metadata
import importlib.util
import platform
import struct
import sys
from pathlib import Path

import numpy as np

from fedge.commands.device.doctor.finding import Finding
from fedge.errors import FedgeError
from fedge.model import file as model_file
from fedge.model.interpreter import Network, runtime_name
from fedge.model.shipped import shipped_models

LEAST_PYTHON = (3, 11)
_OS_RELEASE = Path("/etc/os-release")
SYSTEM_PACKAGES = Path("/usr/lib/python3/dist-packages")


def check_system() -> Finding:
    """The operating system's name, and whether it and its Python are 64-bit."""
    name = platform.system()
    if _OS_RELEASE.is_file():
        name = platform.freedesktop_os_release().get("PRETTY_NAME", name)
    bits = struct.calcsize("P") * 8
    found = f"{name}, {platform.machine()}, {bits}-bit"
    if bits == 64:
        return Finding("system", "ok", found)
    mend = "install the 64-bit Raspberry Pi OS, or use `pip install 'fedge[tflite-runtime]'` with Python 3.11"
    return Finding("system", "note", found, mend)


def check_python(least: tuple[int, int] = LEAST_PYTHON) -> Finding:
    """The version of Python."""
    found = f"Python {platform.python_version()} in {sys.prefix}"
    if sys.version_info[:2] >= least:
        return Finding("python", "ok", found)
    return Finding("python", "wrong", found, f"install Python {least[0]}.{least[1]} or later")


def check_interpreter() -> Finding:
    """Whether the interpreter loads a shipped network and runs it."""
    try:
        name = runtime_name()
        content = model_file.read(shipped_models()["nano"])
        network = Network(content.flatbuffer)
        network.logits(np.zeros(content.manifest.preprocessing.shape, np.uint8))
    except FedgeError as error:
        return Finding("interpreter", "wrong", error.what, error.mend)
    except Exception as error:
        return Finding("interpreter", "wrong", f"it does not run a network ({error})", "pip install -U ai-edge-litert")
    version = importlib.metadata.version(name.replace("_", "-"))
    return Finding("interpreter", "ok", f"{name} {version} runs a network")


def check_opencv() -> Finding:
    """Whether OpenCV imports, and its version."""
    try:
        version = importlib.import_module("cv2").__version__
    except ImportError as error:
        mend = "pip install -U opencv-python-headless"
        return Finding("opencv", "wrong", f"OpenCV does not import ({error})", mend)
    return Finding("opencv", "ok", f"OpenCV {version}, NumPy {np.__version__}")


def check_picamera2(packages: Path = SYSTEM_PACKAGES) -> Finding | None:
    """Whether the system's picamera2 can be seen from this environment; None where the system has none."""
    if not (packages / "picamera2").is_dir():
        return None
    if importlib.util.find_spec("picamera2"):
        return Finding("picamera2", "ok", "picamera2 can be imported")
    mend = f"python3 -m venv --system-site-packages {sys.prefix}"
    return Finding("picamera2", "note", "the system has picamera2, and this environment does not see it", mend)

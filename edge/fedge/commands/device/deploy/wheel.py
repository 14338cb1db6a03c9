"""The wheel of the fedge that is installed here, whether from a wheel or from a source folder."""

import base64
import hashlib
import io
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from fedge import __version__
from fedge.errors import DeployError

PACKAGES = ("fedge", "fedge_train", "fedge_quantize")
NAME = f"fedge-{__version__}-py3-none-any.whl"
_INFO = f"fedge-{__version__}.dist-info"
_WHEEL = "Wheel-Version: 1.0\nGenerator: fedge\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# The same files give the same bytes, so that a device is seen to have them.
_WHEN = (1980, 1, 1, 0, 0, 0)


def build_wheel() -> bytes:
    """The wheel's bytes, equal for equal files. Raises DeployError where fedge is not installed as a package."""
    try:
        installed = distribution("fedge")
    except PackageNotFoundError as error:
        raise DeployError("fedge is not installed as a package here", "install it with pip") from error
    files = {name: path.read_bytes() for package in PACKAGES for name, path in sorted(_files(package).items())}
    # The distribution's own method, which reads UTF-8 in any locale.
    text_of = installed.read_text
    for name in ("METADATA", "entry_points.txt"):
        if text := text_of(name):
            files[f"{_INFO}/{name}"] = text.encode()
    files[f"{_INFO}/WHEEL"] = _WHEEL.encode()
    record = f"{_INFO}/RECORD"
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _WHEN), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _files(package: str) -> dict[str, Path]:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parent
    return {
        f"{package}/{path.relative_to(folder).as_posix()}": path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()

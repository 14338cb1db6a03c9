"""Fetching data files: from an address, resumed where a download broke off, or out of a Debian package."""

import http.client
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from fedge.errors import DataError
from fedge.system.files import replacing, sha256_file
from fedge.system.progress import Progress

TIMEOUT_SECONDS = 20
_CHUNK = 1 << 16


def download(address: str, target: Path, sha256: str) -> None:
    """Downloads `address` to `target` with a progress bar.

    A part left by an earlier try is continued. `target` appears only once its SHA-256 is right; a part that turns out
    wrong is removed and fetched afresh, once. Raises DataError.
    """
    if target.is_file() and sha256_file(target) == sha256:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    continued = part.exists()
    _fetch(address, part)
    if sha256_file(part) != sha256 and continued:
        part.unlink()
        _fetch(address, part)
    if sha256_file(part) != sha256:
        part.unlink()
        raise DataError(f"{address} has not the expected SHA-256", "try again later, or get the data another way")
    part.replace(target)


def fetch_debian_package(package: str, folder: Path, names: Iterable[str], target: Path) -> None:
    """Fetches a Debian package as an ordinary user and copies the files `names` out of its `folder` into `target`.

    Raises DataError where apt is not there or does not know the package.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise DataError("apt is not there", "use Debian or Raspberry Pi OS")
    with tempfile.TemporaryDirectory() as scratch:
        _run(["apt-get", "download", package], scratch)
        archives = list(Path(scratch).glob("*.deb"))
        if not archives:
            raise DataError(f"apt gave no {package}", "run `sudo apt-get update`")
        _run(["dpkg", "-x", str(archives[0]), "."], scratch)
        for name in names:
            with replacing(target / name) as temporary:
                shutil.copyfile(Path(scratch) / folder.relative_to("/") / name, temporary)


def _fetch(address: str, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
            total = int(response.headers.get("Content-Length") or 0) + (have if resumed else 0)
            with part.open("ab" if resumed else "wb") as file, Progress(part.stem, total) as progress:
                progress.advance(have if resumed else 0)
                while chunk := response.read(_CHUNK):
                    file.write(chunk)
                    progress.advance(len(chunk))
        # Read in blocks, a connection that breaks looks like the end of the file.
        if part.stat().st_size < total:
            raise DataError(f"{address} broke off at {part.stat().st_size} of {total} bytes", "run the command again")
    except urllib.error.HTTPError as error:
        # 416: the part is already as long as the file; its hash decides.
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise DataError(f"{address} answered {error.code}", "try again later") from error
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"{address} could not be reached ({error})", "check the network") from error


def _run(command: list[str], folder: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        raise DataError(f"`{' '.join(command)}` failed", "run `sudo apt-get update`") from error

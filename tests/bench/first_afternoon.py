"""A newcomer's walk: the README's commands in an empty Debian, from own pictures of three classes to a running page.

    sudo python tests/bench/first_afternoon.py PHOTOGRAPHS [--suite bookworm] [--classes pants dress shoes]
                                               [--without-sudo] [--root DIR]

Prints the minutes of each step. Needs root, and `mmdebstrap`, which makes the Debian; there is nothing in it but what
the README asks for. The newcomer may use sudo, and installs with it what the README says; `--without-sudo`: may not,
and somebody has installed that package before. How pip reaches its index is a setting of the machine, and is the same
inside. PHOTOGRAPHS holds a folder per class, from which a camera's pictures are taken; others of each folder stand for
what the camera sees when the model runs. Exits with 1 at the first step that fails.
"""

import argparse
import ast
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.request import urlopen

import bench_common  # noqa: F401  # makes the tests' helpers importable
import cv2
from mjpeg_server import mjpeg_server
from pictures_for_tests import jpeg
from waiting import eventually, free_port

from fedge.images.picture import read_picture

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("python3", "git", "make", "ca-certificates")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NEWCOMER, HOME = "newcomer", Path("/home/newcomer")
COUNT, STEP_SECONDS = 50, 3600
SIZE = (640, 480)


@dataclass(frozen=True)
class Debian:
    """A Debian in a folder.

    Attributes:
        root: the folder.
        pip: pip's settings, as variables.
    """

    root: Path
    pip: dict[str, str]

    def run(self, command: str, folder: Path = HOME) -> subprocess.Popen[str]:
        """Starts a command of bash as the newcomer, in a namespace of its own."""
        seen = [Path("/dev"), Path("/proc"), Path("/sys"), *paths_of(self.pip)]
        mounts = "".join(f"mount --rbind {path} {self.root}{path} && " for path in seen)
        variables = {"HOME": str(HOME), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **self.pip}
        environment = " ".join(shlex.quote(f"{name}={value}") for name, value in variables.items())
        # The words of the command stay one argument from here to the newcomer's shell.
        inside = f'exec chroot --userspec={NEWCOMER} "$1" env -i {environment} bash -c "$2"'
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", mounts + inside, "sh"]
        arguments = [*words, str(self.root), f"cd {folder} && {command}"]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def settings_of_pip() -> dict[str, str]:
    """pip's settings on this machine, from its files and variables, as variables: a later one counts more."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = [re.fullmatch(r"(global|install|:env:)\.([a-z-]+)=(.*)", line) for line in lines]
    ordered = sorted(filter(None, found), key=lambda match: ("global", "install", ":env:").index(match[1]))
    return {f"PIP_{match[2].replace('-', '_').upper()}": ast.literal_eval(match[3]) for match in ordered}


def paths_of(settings: dict[str, str]) -> list[Path]:
    """The files and folders of this machine that pip's settings name."""
    words = [word for value in settings.values() for word in value.split()]
    # The pages of an index in a folder lead to files beside it.
    beside = [Path(word.removeprefix("file://")).parent for word in words if word.startswith("file:///")]
    return sorted({path for path in [*beside, *map(Path, words)] if path.is_absolute() and path.exists()})


def make_debian(root: Path, suite: str, sudo: bool) -> Debian:
    """An empty Debian with the packages that the README asks for, and a user with or without sudo."""
    packages = [*PACKAGES, "sudo" if sudo else "python3-venv"]
    include = f"--include={','.join(packages)}"
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", include, suite, root], check=True)
    subprocess.run(["chroot", root, "useradd", "--create-home", NEWCOMER], check=True)
    if sudo:
        (root / "etc/sudoers.d/newcomer").write_text(f"{NEWCOMER} ALL=(ALL) NOPASSWD: ALL\n")
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    # A network may have an authority of its own.
    shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    # Every Debian in use has its lists of packages.
    subprocess.run(["chroot", root, "apt-get", "update", "-qq"], check=True)
    settings = settings_of_pip()
    for path in paths_of(settings):
        place = root / path.relative_to("/")
        (place if path.is_dir() else place.parent).mkdir(parents=True, exist_ok=True)
        if path.is_file():
            place.touch()
    return Debian(root, settings)


def clone(debian: Debian) -> None:
    """The repository as it is committed here, as the newcomer's."""
    target = debian.root / HOME.relative_to("/") / "fedge"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", REPOSITORY, target], check=True)
    subprocess.run(["chroot", debian.root, "chown", "-R", NEWCOMER, HOME], check=True)


def give_pictures(debian: Debian, photographs: Path, classes: list[str]) -> list[bytes]:
    """What the camera sees while the newcomer collects, as folders; gives what it sees later, as JPEG."""
    later = []
    for name in classes:
        files = sorted((photographs / name).iterdir())
        folder = debian.root / HOME.relative_to("/") / "seen" / name
        folder.mkdir(parents=True)
        for file in files[:COUNT]:
            shutil.copy(file, folder)
        for file in files[COUNT : COUNT + 5] or files[:5]:
            later.append(jpeg(cv2.resize(read_picture(file), SIZE)))
    subprocess.run(["chroot", debian.root, "chown", "-R", NEWCOMER, HOME], check=True)
    return later


def steps(classes: list[str], sudo: bool) -> list[tuple[str, str]]:
    """Each step's name and its commands: those of the README, but that a folder stands for the camera."""
    python = ". ~/fedge-env/bin/activate"
    capture = " && ".join(
        f"fedge capture {name} --source ~/seen/{name} --every 0 --countdown 0 --count {COUNT} --least-sharpness 0"
        for name in classes
    )
    mend = [("install python3-venv", "sudo apt-get install -y python3-venv")] if sudo else []
    return [
        ("make wheel", "make wheel"),
        *mend,
        (
            "install the wheel",
            f'python3 -m venv ~/fedge-env && {python} && pip install "$(echo ./dist/fedge-*.whl)[web,mqtt]"',
        ),
        ("look around", f"{python} && fedge info && fedge verify camera"),
        ("first answers", f"{python} && fedge samples ~/samples && fedge run --source ~/samples"),
        ("install training", f"{python} && pip install -c constraints.txt '.[train,web]'"),
        ("collect three classes", f"{python} && {capture}"),
        ("fedge train", f"{python} && fedge train --data photos --out runs/photos"),
        ("fedge quantize", f"{python} && fedge quantize runs/photos"),
    ]


def walk(debian: Debian, classes: list[str], sudo: bool, later: list[bytes]) -> bool:
    """All steps, and the page at the end; prints the minutes of each."""
    total = 0.0
    for name, commands in steps(classes, sudo):
        began = monotonic()
        process = debian.run(commands, HOME / "fedge")
        output = process.communicate(timeout=STEP_SECONDS)[0]
        total += monotonic() - began
        print(f"{name:24} {(monotonic() - began) / 60:6.1f} minutes", flush=True)
        print("".join(f"    {line}\n" for line in output.splitlines()[-4:]), flush=True)
        if process.returncode:
            return False
    began = monotonic()
    shown = page_shows(debian, later)
    total += monotonic() - began
    print(f"{'a running page':24} {(monotonic() - began) / 60:6.1f} minutes\n    {shown}")
    print(f"{'all':24} {total / 60:6.1f} minutes")
    return shown is not None


def page_shows(debian: Debian, later: list[bytes]) -> str | None:
    """What the page says of a camera in the first frames, or None."""
    port = free_port()
    with mjpeg_server(jpegs=later, interval=0.2) as camera:
        options = f"--camera --device {camera.url} --web 127.0.0.1:{port}"
        process = debian.run(
            f". ~/fedge-env/bin/activate && fedge run runs/photos/photos.tflite {options}", HOME / "fedge"
        )
        try:
            state = eventually(lambda: asked(port), 120)
            return f"{state['health']['frames']} frames, decision {state['state']['decision']['label']}"
        except AssertionError:
            return None
        finally:
            end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Ends a process of a `Debian` with all that it started."""
    # The namespace's first process ends it; a change of the user keeps that process from ending with its parent.
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    process.communicate()


def asked(port: int) -> dict[str, Any] | None:
    """The page's state once it has answered some frames, else None."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/state", timeout=5) as answer:
            state = json.load(answer)
    except OSError:
        return None
    return state if state["state"] and state["health"] and state["health"]["frames"] >= 10 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--suite", default="bookworm", help="Debian 12 is bookworm, 13 is trixie")
    parser.add_argument("--classes", nargs="+", default=["pants", "dress", "shoes"], help="folders of PHOTOGRAPHS")
    parser.add_argument("--without-sudo", action="store_true", help="the newcomer may not use sudo")
    parser.add_argument("--root", type=Path, help="where to make the Debian, which is then kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = arguments.root or Path(scratch) / "root"
        began = monotonic()
        debian = make_debian(root, arguments.suite, not arguments.without_sudo)
        print(
            f"an empty Debian ({arguments.suite}) after {(monotonic() - began) / 60:.1f} minutes, not counted\n",
            flush=True,
        )
        clone(debian)
        later = give_pictures(debian, arguments.photographs, arguments.classes)
        passed = walk(debian, arguments.classes, not arguments.without_sudo, later)
    sys.exit(not passed)


if __name__ == "__main__":
    main()

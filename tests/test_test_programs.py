"""Programs that only tests need: installed where that is allowed; what is left out without them is told."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documented_commands import ROOT

MAKE = shutil.which("make") or "make"


def programs(folder: Path, **scripts: str) -> Path:
    """A folder to be all of PATH: programs that do what these scripts of the shell say."""
    folder.mkdir()
    for name, script in {"env": f'exec {shutil.which("env")} "$@"', **scripts}.items():
        (folder / name.replace("_", "-")).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name.replace("_", "-")).chmod(0o755)
    return folder


def make_test_programs(path: Path) -> int:
    environment = os.environ | {"PATH": str(path)}
    return subprocess.run([MAKE, "-s", "-C", str(ROOT), "test-programs"], env=environment).returncode


@pytest.mark.parametrize("user", [0, 1000])
def test_chromium_is_installed_where_that_is_allowed(user: int, tmp_path: Path) -> None:
    log = tmp_path / "log"
    path = programs(
        tmp_path / "bin", id=f"echo {user}", apt_get=f'echo "$@" >> {log}', sudo=f'shift; echo sudo >> {log}; exec "$@"'
    )
    (path / "true").symlink_to(shutil.which("true") or "")
    assert make_test_programs(path) == 0
    lines = log.read_text().splitlines()
    assert [line for line in lines if line == "update -q"] and ("sudo" in lines) == (user != 0)
    assert re.fullmatch("install .*--no-install-recommends (mosquitto )?chromium", lines[-1])


@pytest.mark.parametrize("sudo", ["exit 1", None])
def test_nothing_is_installed_where_it_is_not_allowed(sudo: str | None, tmp_path: Path) -> None:
    log = tmp_path / "log"
    scripts = {"id": "echo 1000", "apt_get": f'echo "$@" >> {log}'} | ({"sudo": sudo} if sudo else {})
    assert make_test_programs(programs(tmp_path / "bin", **scripts)) == 0 and not log.exists()


def test_without_a_network_the_tests_go_on(tmp_path: Path) -> None:
    path = programs(tmp_path / "bin", id="echo 0", apt_get="exit 100")
    assert make_test_programs(path) == 0


def test_what_is_there_is_not_installed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    path = programs(
        tmp_path / "bin", id="echo 0", apt_get=f'echo "$@" >> {log}', mosquitto="", chromium_browser="exit 1"
    )
    assert make_test_programs(path) == 0 and not log.exists()


def test_what_was_left_out_is_told_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/outputs/test_web_page_names.py"]
    environment = os.environ | {"PATH": str(programs(tmp_path / "bin"))}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    told = [line for line in done.stdout.splitlines() if line.startswith("left out: ")]
    expected = r"left out: \d of test_web_page_names\.py, as chromium is not installed \(apt-get install chromium\)"
    assert len(told) == 1 and re.fullmatch(expected, told[0]), done.stdout


def test_where_nothing_was_left_out_nothing_is_told() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/system/test_npz.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "left out" not in done.stdout

"""The machine under test, for each suite of Debian that $FEDGE_MACHINE names; without it these tests are left out."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import parts
import pytest
from matrix import Matrix

from machine import Machine

_SUITES = os.environ.get("FEDGE_MACHINE", "").split()

if not _SUITES:
    collect_ignore_glob = ["test_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    if _SUITES:
        # A run that is ended takes its machines with it.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        config.pluginmanager.register(Matrix(_SUITES, os.environ.get("FEDGE_MACHINE_REPORT")))


@pytest.fixture(scope="session", params=_SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return parts.product_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def product(suite: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a machine's disks, the product installed from its wheel as Debian's own Python installs it."""
    folder = tmp_path_factory.mktemp(f"product-{suite}")
    parts.copy_disk(parts.bare_root(suite), folder / "root.ext4")
    parts.add_files(folder / "root.ext4", parts.kernel() / "modules")
    parts.data_disk(folder / "data.ext4")
    machine = Machine(folder, parts.kernel() / "linux")
    try:
        machine.boot()
        shutil.copy(wheel, machine.shared)
        machine.check(f"cp /mnt/outside/{wheel.name} /home/pi")
        installed = f"fedge/bin/pip install -q --no-index --no-compile {wheel.name}[web,mqtt]"
        machine.check(f"{installed} && fedge/bin/python -m compileall -q fedge/lib/*/site-packages/fedge", "pi", 300)
        machine.check("sync")
    finally:
        machine.cut_power()
    machine.check_disks()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def machine(suite: str, product: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted machine that the tests of a suite share."""
    yield from _booted(product, tmp_path_factory.mktemp(f"machine-{suite}"))


@pytest.fixture
def own_machine(product: Path, tmp_path: Path) -> Iterator[Machine]:
    """A booted machine for one test, which may cut its power."""
    yield from _booted(product, tmp_path / "machine")


@pytest.fixture
def camera(machine: Machine) -> Iterator[str]:
    """The device of the machine's only camera, as it is after boot; programs that a test leaves behind are stopped."""
    reset = "modprobe -r vivid && modprobe vivid && udevadm settle && ls /dev/video0"
    yield machine.check(reset).strip()
    machine.check("systemctl stop 'program-*'")


def _booted(product: Path, folder: Path) -> Iterator[Machine]:
    folder.mkdir(exist_ok=True)
    for name in ("root.ext4", "data.ext4"):
        parts.copy_disk(product / name, folder)
    machine = Machine(folder, parts.kernel() / "linux")
    try:
        machine.boot()
        yield machine
    finally:
        machine.cut_power()
    shutil.rmtree(folder)

"""`fedge doctor`: each check has a machine on which it must find something."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from support import fedge

from fedge.commands.device.doctor import cameras, machine, software
from fedge.commands.device.doctor.examination import as_text, is_healthy
from fedge.commands.device.doctor.finding import Finding
from fedge.errors import MissingExtra, SourceError


def test_it_says_what_it_found_in_text_and_json() -> None:
    done = fedge("doctor", "--json")
    report = done.json()
    assert done.code == (0 if report["healthy"] else 1)
    checks = [finding["check"] for finding in report["findings"]]
    assert checks[:4] == ["system", "python", "opencv", "interpreter"] and "disk" in checks
    assert all(finding["mend"] for finding in report["findings"] if finding["level"] == "wrong")
    text = fedge("doctor")
    assert text.code == done.code and "ok    python: Python 3" in text.out


def test_a_finding_that_has_to_be_mended_makes_the_machine_unwell() -> None:
    wrong = Finding("disk", "wrong", "0 MB are free", "remove something")
    assert as_text(wrong).splitlines() == ["WRONG disk: 0 MB are free", "      mend: remove something"]
    assert not is_healthy([Finding("a", "ok", "b"), wrong])
    assert is_healthy([Finding("a", "note", "b")])


def test_an_interpreter_that_is_missing_or_does_not_run_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    assert software.check_interpreter().level == "ok"

    def missing() -> str:
        raise MissingExtra("no TFLite interpreter is installed", "run `pip install ai-edge-litert`")

    def broken(flatbuffer: bytes) -> object:
        raise ImportError("libstdc++.so.6: version not found")

    with monkeypatch.context() as patch:
        patch.setattr(software, "runtime_name", missing)
        assert software.check_interpreter().mend == "run `pip install ai-edge-litert`"
    monkeypatch.setattr(software, "Network", broken)
    found = software.check_interpreter()
    assert found.level == "wrong" and "libstdc++" in found.found


@pytest.mark.parametrize(("bits", "level"), [(8, "ok"), (4, "note")])
def test_a_32_bit_system_is_named(bits: int, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software.struct, "calcsize", lambda kind: bits)
    assert software.check_system().level == level


def test_an_old_python_is_wrong() -> None:
    assert software.check_python().level == "ok"
    found = software.check_python(least=(9, 9))
    assert (found.level, found.mend) == ("wrong", "install Python 9.9 or later")


def test_a_picamera2_that_the_environment_does_not_see_is_named(tmp_path: Path) -> None:
    assert software.check_picamera2(tmp_path) is None
    (tmp_path / "picamera2").mkdir()
    found = software.check_picamera2(tmp_path)
    assert found and found.level == "note" and "--system-site-packages" in found.mend


class Camera:
    """A video device that opens, and gives a picture or none."""

    def __init__(self, gives: bool) -> None:
        self.gives, self.closed = gives, False

    def gives_a_frame(self) -> bool:
        return self.gives

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cameras, "lists_a_camera", lambda: False)
    monkeypatch.setattr(cameras, "is_raspberry_pi", lambda: False)
    return tmp_path


def test_no_camera_is_wrong(devices: Path) -> None:
    (found,) = cameras.check_cameras(devices)
    assert found.level == "wrong" and "there is no" in found.found


def test_a_device_that_gives_a_picture_makes_the_others_notes(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = {0: Camera(False), 2: Camera(True)}

    def open_video(index: int, live: bool) -> Camera:
        if index == 1:
            raise SourceError("camera 1 is busy", "close the other program")
        return opened[index]

    for number in range(3):
        (devices / f"video{number}").touch()
    monkeypatch.setattr(cameras, "VideoSource", open_video)
    assert [finding.level for finding in cameras.check_cameras(devices)] == ["note", "note", "ok"]
    assert all(camera.closed for camera in opened.values())
    opened[2].gives = False
    found = list(cameras.check_cameras(devices))
    assert [finding.level for finding in found] == ["wrong"] * 3
    assert found[1].found == "camera 1 is busy" and found[1].mend == "close the other program"


def test_who_may_not_open_a_camera_is_told_the_group(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(index: int, live: bool, options: object) -> Camera:
        raise SourceError("camera 0 may not be opened", "see `fedge doctor`")

    (devices / "video0").touch()
    monkeypatch.setattr(cameras, "VideoSource", refused)
    monkeypatch.setattr(cameras.os, "access", lambda path, mode: False)
    monkeypatch.setattr(cameras.os, "getgroups", list)
    assert "usermod -aG video" in next(cameras.check_cameras(devices)).mend


def test_a_raspberry_pi_without_its_camera_program_is_told_which(
    devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras, "is_raspberry_pi", lambda: True)
    monkeypatch.setattr(cameras, "csi_program", lambda: None)
    monkeypatch.setattr(cameras, "has_picamera2", lambda: False)
    assert "rpicam-apps" in next(cameras.check_cameras(devices)).mend


@pytest.mark.parametrize(
    ("flags", "celsius", "level"),
    [((), 50, "ok"), ((), 81, "note"), (("under-voltage has occurred",), 50, "wrong"), (None, 50, "ok")],
)
def test_heat_and_voltage(
    flags: tuple[str, ...] | None, celsius: int, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = tmp_path / "temp"
    sensor.write_text(f"{celsius}000\n")
    monkeypatch.setattr(machine, "throttling", lambda: flags)
    found = machine.check_power(sensor)
    assert found and found.level == level


def test_a_machine_that_tells_neither_heat_nor_voltage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "throttling", lambda: None)
    assert machine.check_power(tmp_path / "none") is None


@pytest.mark.parametrize(("free", "level"), [(10 << 20, "wrong"), (100 << 20, "note"), (10 << 30, "ok")])
def test_a_full_disk(free: int, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": free}))
    assert machine.check_disk().level == level


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Writes a shell script of this name; no other program can be found."""

    def write(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    return write


@pytest.mark.parametrize(("answer", "level"), [("yes", "ok"), ("no", "note")])
def test_a_clock_that_is_not_set(answer: str, level: str, programs: Callable[[str, str], None]) -> None:
    assert machine.check_clock() is None
    programs("timedatectl", f"echo {answer}")
    found = machine.check_clock()
    assert found and found.level == level
    programs("timedatectl", "echo 'the bus is not there' >&2; exit 1")
    assert machine.check_clock() is None


@pytest.mark.parametrize(("state", "level"), [("active", "ok"), ("failed", "wrong")])
def test_a_service_that_is_installed_must_run(state: str, level: str, programs: Callable[[str, str], None]) -> None:
    assert machine.check_service() is None
    programs("systemctl", f'[ "$1" = is-enabled ] && echo enabled || echo {state}')
    found = machine.check_service()
    assert found and found.level == level
    programs("systemctl", "echo not-found; exit 4")
    assert machine.check_service() is None


def test_a_port_in_use_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(machine, "PORTS", {port: "--web"})
        (found,) = machine.check_ports()
        assert found.level == "note" and str(port) in found.found
        assert machine.check_address("broker", f"mqtt://127.0.0.1:{port}").level == "ok"
    assert machine.check_address("broker", f"mqtt://127.0.0.1:{port}").level == "wrong"


@pytest.mark.parametrize("url", ["nonsense", "mqtt://", "mqtt://host:port", "ftp://host"])
def test_an_address_that_is_none_is_wrong(url: str) -> None:
    assert machine.check_address("broker", url).level == "wrong"

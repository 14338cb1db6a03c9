"""systemd's notifications, over a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from results import result, snapshot

from fedge.outputs.delivery.hub import Hub
from fedge.outputs.systemd import Notify, from_environment
from fedge.runner.health import Health


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


@pytest.fixture
def path(manager: socket.socket) -> str:
    return str(manager.getsockname())


def told(manager: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(manager.recv(4096).decode())
        except BlockingIOError:
            return messages


def test_ready_comes_with_the_first_classified_frame_and_once(manager: socket.socket, path: str) -> None:
    hub = Hub([Notify(path)], Health())
    hub.health(snapshot("starting"))
    assert told(manager) == ["STATUS=starting"]
    hub.show(result(0))
    hub.show(result(1))
    assert told(manager) == ["READY=1"]
    hub.close()
    assert told(manager) == ["STOPPING=1"]


def test_ready_comes_with_a_healthy_wait_too(manager: socket.socket, path: str) -> None:
    output = Notify(path)
    output.health(snapshot("waiting", "no camera\nyet"))
    assert told(manager) == ["READY=1", "STATUS=waiting no camera yet"]
    output.close()


def test_the_watchdog_is_fed_by_frames_and_healthy_waits_only(manager: socket.socket, path: str) -> None:
    clock = [1000.0]
    output = Notify(path, interval_s=30, clock=lambda: clock[0])
    output.show(result(0))
    assert told(manager) == ["READY=1", "WATCHDOG=1"]
    # A third of the interval has not passed: three chances in one interval are enough.
    clock[0] += 9.9
    output.show(result(1))
    assert told(manager) == []
    clock[0] += 0.2
    output.show(result(2))
    assert told(manager) == ["WATCHDOG=1"]
    clock[0] += 60
    output.health(snapshot("running"))
    output.health(snapshot("starting"))
    output.health(snapshot("stopped"))
    assert "WATCHDOG=1" not in told(manager)
    output.health(snapshot("waiting", "gone"))
    assert "WATCHDOG=1" in told(manager)
    output.close()


def test_a_manager_that_has_gone_is_a_degraded_output_only(tmp_path: Path) -> None:
    health = Health()
    hub = Hub([Notify(str(tmp_path / "nobody"))], health)
    hub.show(result(0))
    assert health.snapshot().outputs["systemd"].failing
    hub.close()


def test_abstract_sockets_are_reached() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0fedge-test-{os.getpid()}")
        listening.setblocking(False)
        output = Notify(f"@fedge-test-{os.getpid()}")
        output.show(result(0))
        assert told(listening) == ["READY=1"]
        output.close()


def test_the_environment_says_whether_there_is_a_manager(
    manager: socket.socket, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert from_environment() is None
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    for process, expected in ((str(os.getpid()), ["READY=1", "WATCHDOG=1"]), ("1", ["READY=1"])):
        monkeypatch.setenv("WATCHDOG_PID", process)
        output = from_environment()
        assert output is not None
        output.show(result(0))
        assert told(manager) == expected
        output.close()
        told(manager)

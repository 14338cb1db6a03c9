"""Deploying to a real sshd: what is there stays, and what cannot be is told before anything is changed."""

import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from ssh_server import SshServer, sshd
from support import Finished, fedge, one_line_error
from waiting import free_port

from fedge.commands.device.deploy.machine import Machine, require_fit
from fedge.commands.device.deploy.remote import Target
from fedge.commands.device.deploy.wheel import build_wheel
from fedge.errors import DeployError
from fedge.model.shipped import shipped_models

needs_sshd = pytest.mark.skipif(
    sshd() is None or (os.getuid() != 0 and not Path("/run/sshd").exists()),
    reason="sshd is not installed (apt-get install openssh-server)",
)
PI = Machine("aarch64", 64, (3, 11), True, 9000, "/home/pi", False, True, True, "", "")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    server = SshServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A program ssh that takes the server's key without asking, and no other of this user's settings."""
    programs = tmp_path / "client"
    programs.mkdir()
    ssh = programs / "ssh"
    options = f"-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile={tmp_path}/known"
    ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh {options} "$@"\n')
    ssh.chmod(0o755)
    return programs


def deploy(server: SshServer, known: Path, *arguments: object, identity: Path | None = None) -> Finished:
    login = ("--port", server.port, "--identity", identity or server.identity, "--no-service")
    return fedge("deploy", server.target, *arguments, *login, PATH=f"{known}:{os.environ['PATH']}")


@needs_sshd
def test_it_is_there_afterwards_and_the_second_time_nothing_is_done(server: SshServer, known: Path) -> None:
    model = shipped_models()["nano"]
    asked = deploy(server, known, model, "--dry-run", "--json")
    assert [step["state"] for step in asked.json()["steps"]] == ["would be done"] * 2, asked.err
    assert not (server.home / ".local").exists()
    first = deploy(server, known, model)
    assert first.code == 0, first.err
    assert [line.partition(":")[0] for line in first.out.splitlines()] == ["done", "done"]
    program = server.home / ".local/share/fedge/venv/bin/fedge"
    assert program.is_file()
    current = (server.home / "store/current").resolve()
    assert current.read_bytes() == model.read_bytes()
    second = deploy(server, known, model, "--json")
    report = json.loads(second.out)
    assert report["changed"] is False and {step["state"] for step in report["steps"]} == {"was there"}


@needs_sshd
def test_a_key_that_is_not_known_there_is_one_line(server: SshServer, known: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "host"
    message = one_line_error(deploy(server, known, identity=wrong))
    assert "Permission denied" in message and "ssh-copy-id" in message


def test_a_machine_that_does_not_answer_is_one_line(known: Path) -> None:
    done = fedge("deploy", "pi@127.0.0.1", "--port", free_port(), PATH=f"{known}:{os.environ['PATH']}")
    assert done.code == 1 and "Connection refused" in one_line_error(done)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"python": None}, "no python3"),
        ({"python": (3, 9)}, "Python 3.9"),
        ({"bits": 32, "python": (3, 13)}, "32-bit"),
        ({"has_venv": False, "sudo": False}, "virtual environments"),
        ({"free_mb": 20}, "20 MB free"),
        ({"systemd": False}, "no systemd"),
        ({"sudo": False}, "asks for a password"),
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, object], said: str) -> None:
    require_fit(PI, "pi", service=True)
    with pytest.raises(DeployError, match=said):
        require_fit(replace(PI, **changed), "pi", service=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "-oProxyCommand=x", "a b"])
def test_a_name_that_would_be_an_option_of_ssh_is_refused(name: str) -> None:
    with pytest.raises(DeployError, match="USER@HOST"):
        Target(name)


def test_the_arguments_of_the_run_are_checked_here() -> None:
    done = fedge("deploy", "pi@127.0.0.1", "--", "--camera", "--web", "8080:x")
    assert done.code != 0 and "--web" in one_line_error(done)


def test_the_wheel_is_the_same_for_the_same_files_and_has_its_record() -> None:
    data = build_wheel()
    assert data == build_wheel()
    with zipfile.ZipFile(BytesIO(data)) as wheel:
        names = set(wheel.namelist())
        info = next(name.partition("/")[0] for name in names if name.endswith(".dist-info/RECORD"))
        recorded = {line.split(",")[0] for line in wheel.read(f"{info}/RECORD").decode().splitlines()}
    assert recorded == names and {"fedge/__init__.py", f"{info}/METADATA", f"{info}/entry_points.txt"} <= names

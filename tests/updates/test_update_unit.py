"""`fedge service install --update`: a unit that systemd takes, beside that of the service, and gone with it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import fedge

from fedge.cli.main import run
from fedge.commands.device.service import manage, systemctl
from fedge.commands.device.service.update_unit import UPDATE_NAME, Updates, update_unit

ANALYZE = ("systemd-analyze", "verify", "--man=no", "--recursive-errors=no")
URL = "https://example.org/releases"
RELEASES = Updates(URL, "stable", 3600)


def test_the_unit_shares_the_user_of_the_service_and_quotes_its_arguments() -> None:
    text = update_unit(["/opt/x/fedge"], Updates("https://host/a%20b$c", "beta", 60), None)
    assert "ExecStart=/opt/x/fedge update --url https://host/a%%20b$$c --channel beta --watch 60\n" in text
    assert "User=fedge\nDynamicUser=yes\n" in text
    assert "DynamicUser" not in update_unit(["/opt/x/fedge"], RELEASES, "pi")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit_that_a_dry_run_shows(tmp_path: Path) -> None:
    done = fedge("service", "install", "--update", URL, "--dry-run", "--", "--camera")
    assert done.code == 0 and "--channel stable --watch 3600" in done.out
    unit = tmp_path / UPDATE_NAME
    unit.write_text(done.out.partition(f"# {manage.UNIT_PATH}\n")[0])
    checked = subprocess.run([*ANALYZE, str(unit)], capture_output=True, text=True)
    assert UPDATE_NAME not in checked.stderr, checked.stderr
    assert sys.executable.rpartition("/")[0] in unit.read_text()


def test_the_unit_comes_and_goes_with_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program, calls = tmp_path / "systemctl", tmp_path / "calls"
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(systemctl, "RUNNING", tmp_path)
    for name in ("UNIT_PATH", "UPDATE_PATH", "CONFIG_PATH"):
        monkeypatch.setattr(manage, name, tmp_path / getattr(manage, name).name)
    assert run(["service", "install", "--", "--camera"]) == 0
    assert not manage.UPDATE_PATH.exists() and UPDATE_NAME not in calls.read_text()
    assert run(["service", "install", "--update", URL, "--", "--camera"]) == 0
    assert f"--url {URL} --channel stable" in manage.UPDATE_PATH.read_text()
    assert f"restart {UPDATE_NAME}" in calls.read_text()
    # Another installation of the service leaves it as it is.
    assert run(["service", "install", "--", "--camera"]) == 0 and manage.UPDATE_PATH.exists()
    assert run(["service", "uninstall", "--dry-run"]) == 0 and UPDATE_NAME in capsys.readouterr().out
    assert manage.UPDATE_PATH.exists()
    assert run(["service", "uninstall"]) == 0
    assert not manage.UPDATE_PATH.exists() and not manage.UNIT_PATH.exists()
    assert f"disable --now {UPDATE_NAME}" in calls.read_text()

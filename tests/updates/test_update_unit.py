"""`fedge service update-unit`: a unit that systemd takes, and arguments that arrive unchanged."""

import getpass
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import fedge

from fedge.commands.device.service.update_unit import UPDATE_NAME, update_unit

ANALYZE = ("systemd-analyze", "verify", "--man=no", "--recursive-errors=no")


def test_the_unit_shares_the_user_of_the_service_and_quotes_its_arguments() -> None:
    text = update_unit(["/opt/x/fedge"], ["--url", "https://host/a%20b$c", "--watch", "60"], None)
    assert "ExecStart=/opt/x/fedge update --url https://host/a%%20b$$c --watch 60\n" in text
    assert "User=fedge\nDynamicUser=yes\n" in text
    assert "DynamicUser" not in update_unit(["/opt/x/fedge"], [], "pi")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit_that_the_command_prints(tmp_path: Path) -> None:
    done = fedge("service", "update-unit", "--url", "https://example.org/releases", "--user", getpass.getuser())
    assert done.code == 0 and "--channel stable --watch 3600" in done.out
    unit = tmp_path / UPDATE_NAME
    unit.write_text(done.out)
    checked = subprocess.run([*ANALYZE, str(unit)], capture_output=True, text=True)
    assert UPDATE_NAME not in checked.stderr, checked.stderr
    assert sys.executable.rpartition("/")[0] in done.out

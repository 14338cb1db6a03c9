"""The systemd unit: hardened, and given exactly the arguments that the user typed."""

import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path
from typing import get_type_hints

import pytest

from fedge.cli import run as run_signature
from fedge.cli.main import run
from fedge.commands.device import service
from fedge.commands.device.systemd_unit import Unit, quote, quote_argument
from fedge.errors import ServiceError

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (apt-get install systemd)"
)
# `systemd-analyze security` grades from 0 (closed) to 10 (open); it calls what is above 4.9 medium.
EXPOSURE_BOUND = 4.9

HOSTILE = [
    "two words",
    "100%n",
    "$HOME ${HOME} $$",
    'a "quoted" one',
    "it's",
    "back\\slash\\n",
    ";",
    "a;b",
    "line\nfeed\ttab",
    "",
    "Ärmel",
    "-",
]


def written(folder: Path, unit: Unit) -> Path:
    path = folder / "fedge.service"
    path.write_text(unit.text())
    return path


def analyze(*arguments: object, debug: bool = False) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_LOG_LEVEL": "debug" if debug else "warning"}
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


@needs_systemd
def test_systemd_finds_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    unit = Unit(["/bin/true", "run", *HOSTILE], None, [tmp_path / "a $%b"], [])
    done = analyze("verify", "--man=no", "--recursive-errors=no", written(tmp_path, unit))
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_systemd_does_find_what_is_wrong_with_a_unit(tmp_path: Path) -> None:
    text = Unit(["/bin/true", "run"], None).text().replace("WatchdogSec=30", "WatchdogSec=soon")
    (tmp_path / "fedge.service").write_text(text)
    done = analyze("verify", "--man=no", "--recursive-errors=no", tmp_path / "fedge.service")
    assert "Failed to parse sec value" in done.stderr


@needs_systemd
def test_the_unit_is_hardened_as_systemd_grades_it(tmp_path: Path) -> None:
    done = analyze("security", "--offline=true", "--no-pager", written(tmp_path, Unit(["/bin/true", "run"], None)))
    grade = re.search(r"Overall exposure level for fedge.service: (\d+\.\d+)", done.stdout)
    assert grade, done.stdout + done.stderr
    assert float(grade[1]) <= EXPOSURE_BOUND


def test_the_unit_asks_for_everything_that_is_promised() -> None:
    lines = Unit(["/opt/fedge", "run", "--camera"], "pi").text().splitlines()
    assert {
        "Type=notify",
        "WatchdogSec=30",
        "Restart=on-failure",
        "MemoryMax=512M",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "StateDirectory=fedge",
        "SupplementaryGroups=video",
        "DevicePolicy=closed",
        "DeviceAllow=char-video4linux rw",
        "User=pi",
        "ExecStart=/opt/fedge run --camera",
    } <= set(lines)


def test_what_lies_in_a_home_stays_readable_and_what_is_written_writable() -> None:
    unit = Unit(["/home/pi/venv/bin/fedge"], "pi", [Path("/data/log s")])
    assert "ProtectHome=read-only" in unit.text().splitlines()
    assert 'ReadWritePaths="/data/log s"' in unit.text().splitlines()


@needs_systemd
@pytest.mark.parametrize("argument", HOSTILE)
def test_systemd_reads_back_each_argument_as_it_was_typed(tmp_path: Path, argument: str) -> None:
    # As systemd reads it: it unquotes, then puts specifiers in, and at the start variables.
    unit = written(tmp_path, Unit(["/bin/true", argument, "end"], None))
    dump = analyze("verify", "--man=no", "--recursive-errors=no", unit, debug=True)
    shown = re.search(r"Command Line: /bin/true (.*) end\n", dump.stdout + dump.stderr)
    assert shown, (dump.stdout + dump.stderr)[-3000:]
    assert unshown(shown[1]) == argument.replace("$", "$$")


def unshown(text: str) -> str:
    """Undoes the quoting with which systemd prints a word."""
    if text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    return re.sub(r"\\(x[0-9a-f]{2}|.)", _unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    if len(match[1]) == 3:
        return chr(int(match[1][1:], 16))
    return {"n": "\n", "t": "\t"}.get(match[1], match[1])


def test_words_without_anything_special_stay_as_they_are() -> None:
    assert quote_argument("--source=/a/b-c_d.e:f@g") == "--source=/a/b-c_d.e:f@g"
    assert quote("a$b") == "a$b"
    assert quote_argument("a$b") == "a$$b"


def test_a_dry_run_shows_the_unit_and_touches_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "my model.tflite").write_text("")
    arguments = [str(tmp_path / "my model.tflite"), "--camera", "--csv", "/data/log.csv", "--web"]
    arguments += ["--unsure", "/data/unsure"]
    assert run(["service", "install", "--dry-run", "--", *arguments]) == 0
    text = capsys.readouterr().out
    command = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    assert command.endswith(
        f'run "{tmp_path}/my model.tflite" --camera --csv /data/log.csv --web --unsure /data/unsure'
    )
    assert {"ReadWritePaths=/data", "ReadWritePaths=/data/unsure"} <= set(text.splitlines())
    assert not service.UNIT_PATH.exists()
    assert run(["service", "uninstall", "--dry-run"]) == 0
    assert str(service.UNIT_PATH) in capsys.readouterr().out


def test_where_the_empty_scene_is_kept_may_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["service", "install", "--dry-run", "--", "--camera", "--background", "/data/empty.npz"]) == 0
    assert "ReadWritePaths=/data" in capsys.readouterr().out.splitlines()
    assert run(["service", "install", "--dry-run", "--", "--camera", "--background", "learn"]) == 0
    assert "ReadWritePaths" not in capsys.readouterr().out


def dry_run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, list[str]]:
    """What follows `fedge run` in the unit, and what it may write."""
    assert run(["service", "install", "--dry-run", "--", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    command = next(line for line in lines if line.startswith("ExecStart="))
    prefix = "ReadWritePaths="
    return command.partition(" run ")[2], [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which the service is installed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_paths_of_files_are_made_absolute(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("mine.tflite", "0"):
        (here / name).write_text("")
    command, writable = dry_run(capsys, "mine.tflite", "--camera", "--device", "0", "--csv", "log.csv")
    assert command == f"{here}/mine.tflite --camera --device 0 --csv log.csv"
    # A file that is not there yet is made in the service's own folder, which it may write.
    assert writable == []


def test_what_is_there_to_be_written_may_be_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "answers.csv").write_text("")
    (here / "unsure").mkdir()
    command, writable = dry_run(capsys, "--camera", "--csv", "answers.csv", "--unsure=unsure")
    assert command == f"--camera --csv {here}/answers.csv --unsure={here}/unsure"
    assert writable == [str(here), f"{here}/unsure"]


def test_a_path_behind_an_equals_sign_is_made_absolute(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "token").write_text("")
    assert dry_run(capsys, "--camera", "--web", "--web-token-file=token")[0].endswith(f"--web-token-file={here}/token")


def test_a_word_that_is_no_path_stays_as_it_is(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("camera", "csi", "learn", "strict"):
        (here / name).mkdir()
    words = "camera --camera --device csi --background learn --reject strict"
    assert dry_run(capsys, *words.split()) == (words, [])


def test_each_path_that_run_takes_is_known() -> None:
    paths = {name for name, hint in get_type_hints(run_signature.run).items() if hint == Path | None}
    # Those that may be something else too are texts for Typer.
    assert paths | {"model", "source", "background"} == set(service.PATHS)


def test_without_the_script_the_unit_starts_python_that_imports_nothing_from_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    unit = service.make_unit(["--camera"], {}, None)
    assert unit.command == [str(tmp_path / "python"), "-P", "-m", "fedge", "run", "--camera"]


@pytest.fixture
def systemctl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program in systemd's place, which shows and ends as the files `shown` and `code` in this folder say."""
    folder = tmp_path / "systemd"
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(f'#!/bin/sh\ncat {folder}/shown\nexit "$(cat {folder}/code)"\n')
    program.chmod(0o755)
    (folder / "shown").write_text("active\n")
    (folder / "code").write_text("0")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(service, "_RUNNING", folder)
    monkeypatch.setattr(service, "UNIT_PATH", folder / "fedge.service")
    return folder


def somebody() -> str:
    """A user who is not root, and to whom a folder can be given from here."""
    return "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def test_a_folder_to_write_in_is_made_for_the_services_user(systemctl: Path, tmp_path: Path) -> None:
    arguments = ["--user", somebody(), "--", "--camera", "--unsure", str(tmp_path / "data" / "unsure")]
    assert run(["service", "install", "--dry-run", *arguments]) == 0
    assert not (tmp_path / "data").exists()
    assert run(["service", "install", *arguments]) == 0
    assert (tmp_path / "data" / "unsure").owner() == somebody()


def test_a_folder_that_the_services_own_user_could_not_write_in_is_refused(systemctl: Path, tmp_path: Path) -> None:
    parameters = {"unsure": tmp_path / "unsure"}
    with pytest.raises(ServiceError, match="is not there"):
        service.install(["--camera", "--unsure", str(tmp_path / "unsure")], parameters, "root", dry_run=False)
    assert not service.UNIT_PATH.exists()


@pytest.mark.parametrize("state", ["inactive", "failed", "activating"])
def test_the_status_of_a_service_that_does_not_run_is_one_line_and_exit_code_1(
    systemctl: Path, capfd: pytest.CaptureFixture[str], state: str
) -> None:
    service.UNIT_PATH.write_text("")
    (systemctl / "shown").write_text(f"{state}\n")
    # What systemctl gives for each of the three, and a gate that refused for fedge.
    (systemctl / "code").write_text("3")
    assert run(["service", "status"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"fedge: fedge.service is {state}; ")


def test_the_status_of_a_service_that_is_not_installed_says_how_to_install_it(
    systemctl: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["service", "status"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "fedge.service is not installed; install it" in line


def test_the_status_of_a_service_that_runs_is_shown(systemctl: Path, capfd: pytest.CaptureFixture[str]) -> None:
    service.UNIT_PATH.write_text("")
    assert run(["service", "status"]) == 0
    assert capfd.readouterr().out == "active\n"


@pytest.mark.parametrize("arguments", [["--camera", "--nonsense"], ["--camera", "--frames", "many"]])
def test_a_mistake_in_runs_arguments_is_told_now(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["service", "install", "--dry-run", "--", *arguments]) == 2
    assert capsys.readouterr().out == ""


def test_a_user_that_does_not_exist_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["service", "install", "--dry-run", "--user", "nobody-of-this-name", "--", "--camera"]) == 1
    assert "no user nobody-of-this-name" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["install", "--", "--camera"], ["status"], ["uninstall"]])
def test_without_systemd_there_is_one_clear_line(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "_RUNNING", tmp_path / "nothing")
    assert run(["service", *command]) == ServiceError.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "fedge: systemd does not run here; start `fedge run` by what does; --dry-run shows the unit"
    ]

"""The service: a hardened unit, a configuration that root alone reads, and mistakes told before either is written."""

import os
import pwd
import re
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import get_type_hints

import pytest

from fedge.cli import run as run_signature
from fedge.cli.main import run
from fedge.commands.device.service import manage, systemctl
from fedge.commands.device.service.unit import Unit, quote, quote_argument
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
    unit = Unit(["/bin/true", *HOSTILE], None, [tmp_path / "a $%b"], [])
    done = analyze("verify", "--man=no", "--recursive-errors=no", written(tmp_path, unit))
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_systemd_does_find_what_is_wrong_with_a_unit(tmp_path: Path) -> None:
    text = Unit(["/bin/true"], None).text().replace("WatchdogSec=30", "WatchdogSec=soon")
    (tmp_path / "fedge.service").write_text(text)
    done = analyze("verify", "--man=no", "--recursive-errors=no", tmp_path / "fedge.service")
    assert "Failed to parse sec value" in done.stderr


@needs_systemd
def test_the_unit_is_hardened_as_systemd_grades_it(tmp_path: Path) -> None:
    done = analyze("security", "--offline=true", "--no-pager", written(tmp_path, Unit(["/bin/true"], None)))
    grade = re.search(r"Overall exposure level for fedge.service: (\d+\.\d+)", done.stdout)
    assert grade, done.stdout + done.stderr
    assert float(grade[1]) <= EXPOSURE_BOUND


def test_the_unit_asks_for_everything_that_is_promised() -> None:
    lines = Unit(["/opt/fedge"], "pi").text().splitlines()
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
        "LoadCredential=fedge.toml:/etc/fedge.toml",
        "ExecStart=/opt/fedge run --config ${CREDENTIALS_DIRECTORY}/fedge.toml",
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
    shown = re.search(r"Command Line: /bin/true (.*) end run --config", dump.stdout + dump.stderr)
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


def dry_run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, object], list[str]]:
    """What the service's configuration says, and what the unit lets it write."""
    assert run(["service", "install", "--dry-run", "--", *arguments]) == 0
    unit, _, configuration = capsys.readouterr().out.partition("# /etc/fedge.toml\n")
    prefix = "ReadWritePaths="
    lines = [line.removeprefix(prefix) for line in unit.splitlines() if line.startswith(prefix)]
    return tomllib.loads(configuration), lines


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_path: Path) -> Path:
    """The folder in which the service is installed, with a model of one's own."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(model_path, tmp_path / "my model.tflite")
    return tmp_path


def test_a_dry_run_shows_unit_and_configuration_and_touches_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["my model.tflite", "--camera", "--csv", "/data/log.csv", "--web", "--unsure", "/data/unsure"]
    values, writable = dry_run(capsys, *arguments, "--enter", "0.7", "--frames", "9")
    assert values == {
        "model": f"{here}/my model.tflite",
        "camera": True,
        "csv": "/data/log.csv",
        "web": "127.0.0.1:8080",
        "unsure": "/data/unsure",
        "enter": 0.7,
        "frames": 9,
    }
    assert writable == ["/data", "/data/unsure"]
    assert not manage.UNIT_PATH.exists() and not manage.CONFIG_PATH.exists()
    assert run(["service", "uninstall", "--dry-run"]) == 0
    assert str(manage.UNIT_PATH) in capsys.readouterr().out


def test_where_the_empty_scene_is_kept_may_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert dry_run(capsys, "--camera", "--background", "/data/empty.npz")[1] == ["/data"]
    assert dry_run(capsys, "--camera", "--background", "learn")[1] == []


def test_paths_of_files_are_made_absolute(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "0").write_text("")
    values, writable = dry_run(capsys, "my model.tflite", "--device", "0", "--csv=log.csv")
    assert values == {"model": f"{here}/my model.tflite", "device": "0", "csv": "log.csv"}
    # A file that is not there yet is made in the service's own folder, which it may write.
    assert writable == []


def test_what_is_there_to_be_written_may_be_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "answers.csv").write_text("")
    (here / "unsure").mkdir()
    values, writable = dry_run(capsys, "--camera", "--csv", "answers.csv", "--unsure=unsure")
    assert (values["csv"], values["unsure"]) == (f"{here}/answers.csv", f"{here}/unsure")
    assert writable == [str(here), f"{here}/unsure"]


def test_a_word_that_is_no_path_stays_as_it_is(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("camera", "csi", "learn", "strict"):
        (here / name).mkdir()
    words = "camera --camera --device csi --background learn --reject strict"
    values, writable = dry_run(capsys, *words.split())
    expected = {"model": "camera", "camera": True, "device": "csi", "background": "learn", "reject": "strict"}
    assert (values, writable) == (expected, [])


# Options of `fedge run` that may be a path or something else are texts for Typer.
PATHS_OR_WORDS = {"model", "source", "background"}


def path_options() -> set[str]:
    """The keys of the options of `fedge run` that are paths, as its signature declares them."""
    hints = get_type_hints(run_signature.run)
    paths = {name.replace("_", "-") for name, hint in hints.items() if hint == Path | None} - {"config", "saved-config"}
    return paths | PATHS_OR_WORDS


def test_each_path_that_run_takes_is_known() -> None:
    assert path_options() == {key for key, use in manage.PATHS.items() if use != "program"}


def test_files_in_the_command_of_a_program_are_made_absolute_and_may_be_read(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "my light.py").write_text("")
    values, writable = dry_run(capsys, "--camera", "--exec", "python3 'my light.py' --pin 17")
    assert (values["exec"], writable) == (f"python3 '{here}/my light.py' --pin 17", [])
    assert here / "my light.py" in manage.make_unit(values, None).readable


def test_a_video_in_a_service_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["service", "install", "--dry-run", "--", "--camera", "--save", "seen.mp4"]) == 1
    assert "--record" in capsys.readouterr().err


@pytest.mark.parametrize("key", sorted(path_options()))
def test_a_path_that_is_there_is_made_absolute_and_writable_where_it_is_written(here: Path, key: str) -> None:
    use = manage.PATHS[key]
    (here / "there").mkdir() if use == "written folder" else (here / "there").write_text("")
    values = manage.with_absolute_paths({key: "there"})
    assert values == {key: f"{here}/there"}
    unit = manage.make_unit(values, None)
    expected = {"read": [], "written file": [here], "written folder": [here / "there"]}
    assert unit.writable == expected[use] and here / "there" in unit.readable


@pytest.mark.parametrize("key", sorted(key for key, use in manage.PATHS.items() if use == "written file"))
def test_a_folder_in_place_of_a_file_that_is_written_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    model = ["base"] if key == "background" else []
    assert run(["service", "install", "--dry-run", "--", *model, "--camera", f"--{key}", str(here)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(here) in line


@pytest.mark.parametrize("key", ["source", "device", "webhook"])
def test_an_address_that_may_hold_a_password_is_not_shown(capsys: pytest.CaptureFixture[str], key: str) -> None:
    source = [] if key in ("source", "device") else ["--camera"]
    address = f"{'https' if key == 'webhook' else 'rtsp'}://host/topsecret"
    assert dry_run(capsys, *source, f"--{key}", address)[0][key] == address.split("host")[0] + "..."


def test_a_camera_s_password_stands_in_no_file_that_others_read_and_on_no_command_line(
    systemctl_stub: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--source", "rtsp://me:topsecret@cam/1"]
    assert run(["service", "install", "--dry-run", "--", *arguments]) == 0
    assert "topsecret" not in capfd.readouterr().out
    assert run(["service", "install", "--user", "root", "--", *arguments]) == 0
    assert "topsecret" not in manage.UNIT_PATH.read_text()
    assert "topsecret" in manage.CONFIG_PATH.read_text()
    assert stat.S_IMODE(manage.CONFIG_PATH.stat().st_mode) == 0o600
    assert run(["service", "uninstall"]) == 0
    assert not manage.CONFIG_PATH.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("--camera --nonsense", 2, "No such option"),
        ("--camera --frames many", 2, "integer"),
        ("--camera --leave 0.9", 2, "--leave"),
        ("--camera --region nonsense", 1, "is no region"),
        ("--camera --mqtt nonsense", 1, "no broker"),
        ("--camera --web 8080:x", 1, "is no address"),
        ("--camera --metrics 1.2.3.4:99999", 1, "is no address"),
        ("--camera --webhook nonsense", 1, "an http or https URL"),
        ("--device front", 1, "is no camera"),
        ("nosuch.tflite --camera", 1, "no model nosuch.tflite"),
        ("--source /nowhere", 1, "there is no file"),
        ("--camera --web 0.0.0.0", 1, "needs a token"),
        ("--camera --web --web-token-file /nowhere", 1, "cannot be read"),
        ("--camera --mqtt mqtts://h --mqtt-ca /nowhere", 1, "no certificate"),
        ("--camera --csv /", 1, "is a folder"),
        ("--camera --window", 1, "no screen"),
        ("--camera --config /nowhere", 1, "cannot be read"),
    ],
)
def test_what_run_would_refuse_is_refused_before_a_unit_is_written(
    systemctl_stub: Path, capsys: pytest.CaptureFixture[str], arguments: str, code: int, message: str
) -> None:
    assert run(["service", "install", "--user", "root", "--", *arguments.split()]) == code
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert message in line and captured.out == ""
    assert not manage.UNIT_PATH.exists() and not manage.CONFIG_PATH.exists()


def test_without_the_script_the_unit_starts_python_that_imports_nothing_from_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    unit = manage.make_unit({"camera": True}, None)
    assert unit.program == [str(tmp_path / "python"), "-P", "-m", "fedge"]


@pytest.fixture
def systemctl_stub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program in systemd's place, which shows and ends as the files `shown` and `code` in this folder say."""
    folder = tmp_path / "systemd"
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(f'#!/bin/sh\ncat {folder}/shown\nexit "$(cat {folder}/code)"\n')
    program.chmod(0o755)
    (folder / "shown").write_text("active\n")
    (folder / "code").write_text("0")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(systemctl, "RUNNING", folder)
    monkeypatch.setattr(manage, "UNIT_PATH", folder / "fedge.service")
    monkeypatch.setattr(manage, "CONFIG_PATH", folder / "fedge.toml")
    return folder


def somebody() -> str:
    """A user who is not root, and to whom a folder can be given from here."""
    return "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def test_a_folder_to_write_in_is_made_for_the_services_user(systemctl_stub: Path, tmp_path: Path) -> None:
    arguments = ["--user", somebody(), "--", "--camera", "--unsure", str(tmp_path / "data" / "unsure")]
    assert run(["service", "install", "--dry-run", *arguments]) == 0
    assert not (tmp_path / "data").exists()
    assert run(["service", "install", *arguments]) == 0
    assert (tmp_path / "data" / "unsure").owner() == somebody()


def test_a_folder_that_the_services_own_user_could_not_write_in_is_refused(
    systemctl_stub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["service", "install", "--user", "root", "--", "--camera", "--unsure", f"{tmp_path}/unsure"]) == 1
    assert "is not there" in capsys.readouterr().err
    assert not manage.UNIT_PATH.exists()


@pytest.mark.parametrize("state", ["inactive", "failed", "activating"])
def test_the_status_of_a_service_that_does_not_run_is_one_line_and_exit_code_1(
    systemctl_stub: Path, capfd: pytest.CaptureFixture[str], state: str
) -> None:
    manage.UNIT_PATH.write_text("")
    (systemctl_stub / "shown").write_text(f"{state}\n")
    # What systemctl gives for each of the three, and a gate that refused for fedge.
    (systemctl_stub / "code").write_text("3")
    assert run(["service", "status"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"fedge: fedge.service is {state}; ")


def test_the_status_of_a_service_that_is_not_installed_says_how_to_install_it(
    systemctl_stub: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["service", "status"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "fedge.service is not installed; install it" in line


def test_the_status_of_a_service_that_runs_is_shown(systemctl_stub: Path, capfd: pytest.CaptureFixture[str]) -> None:
    manage.UNIT_PATH.write_text("")
    assert run(["service", "status"]) == 0
    assert capfd.readouterr().out == "active\n"


@pytest.mark.parametrize(("state", "message"), [("activating", "ended at its start"), ("inactive", "sudo")])
def test_a_service_that_ends_at_its_start_is_said_to_be_tried_again(
    systemctl_stub: Path, capsys: pytest.CaptureFixture[str], state: str, message: str
) -> None:
    program = systemctl_stub / "systemctl"
    program.write_text(f"#!/bin/sh\ncase $1 in restart) exit 1;; is-active) echo {state};; esac\n")
    (systemctl_stub / "journalctl").write_text("#!/bin/sh\necho 'fedge: no camera gives a picture; plug one in'\n")
    (systemctl_stub / "journalctl").chmod(0o755)
    assert run(["service", "install", "--user", "root", "--", "--camera"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert ("no camera gives a picture" in line and "tries again" in line) == (state == "activating")


def test_a_start_that_takes_longer_than_the_unit_allows_is_said_to_go_on(systemctl_stub: Path) -> None:
    (systemctl_stub / "systemctl").write_text("#!/bin/sh\nexec sleep 60\n")
    assert systemctl.restart(seconds=0.1) is False


def test_a_user_that_does_not_exist_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["service", "install", "--dry-run", "--user", "nobody-of-this-name", "--", "--camera"]) == 1
    assert "no user nobody-of-this-name" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["install", "--", "--camera"], ["status"], ["uninstall"]])
def test_without_systemd_there_is_one_clear_line(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(systemctl, "RUNNING", tmp_path / "nothing")
    assert run(["service", *command]) == ServiceError.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "fedge: systemd does not run here; start `fedge run` with this system's own "
        "service manager; --dry-run shows the unit"
    ]

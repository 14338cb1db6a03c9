"""`--exec`: a program of the user's own for each change."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from results import result, snapshot
from waiting import eventually

from fedge.errors import OutputError
from fedge.options import Program, parse_program
from fedge.outputs.base import NeverTaken
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.program import RunProgram
from fedge.runner.health import Health


def python(folder: Path, text: str) -> Program:
    """A program that runs `text` in `folder`."""
    script = folder / "program.py"
    script.write_text(f"import json, os, signal, sys\nos.chdir({str(folder)!r})\n{text}\n")
    return Program((sys.executable, "-S", "-E", str(script)))


def test_each_change_starts_the_program_once_with_json_on_standard_input(tmp_path: Path) -> None:
    program = python(tmp_path, "line = json.load(sys.stdin); json.dump(line, open(f'{line[\"frame\"]}.json', 'x'))")
    hub = Hub([RunProgram(program, 2, 60)], Health(), live=False)
    for number in range(6):
        hub.show(result(number, "Bag", changed=number % 3 == 0))
    hub.drain()
    eventually(lambda: sorted(path.name for path in tmp_path.glob("*.json")) == ["0.json", "3.json"])
    hub.close()
    eventually(lambda: json.loads((tmp_path / "3.json").read_text() or "{}").get("label") == "Bag")


def test_a_program_hears_which_region_changed(tmp_path: Path) -> None:
    program = python(tmp_path, "open(json.load(sys.stdin)['region'], 'x')")
    hub = Hub([RunProgram(program, 2, 60)], Health(), live=False)
    for region in ("gate", "bin"):
        hub.show(replace(result(0, changed=True), region=region))
    eventually(lambda: (tmp_path / "gate").exists() and (tmp_path / "bin").exists())
    hub.close()


def test_no_more_run_than_may(tmp_path: Path) -> None:
    # Opened to read, a pipe waits for who writes.
    os.mkfifo(tmp_path / "go")
    program = python(tmp_path, "open(f'began-{os.getpid()}', 'x')\nopen('go').close()")
    output = RunProgram(program, 2, 60)
    hub = Hub([output], Health(), live=False)
    for number in range(3):
        hub.show(result(number, changed=True))
    eventually(lambda: len([*tmp_path.glob("began-*")]) == 2)
    with (tmp_path / "go").open("w"):
        eventually(lambda: len([*tmp_path.glob("began-*")]) == 3)
        hub.close()


def test_a_program_that_fails_or_takes_too_long_is_left_out_counted_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "frame = json.load(sys.stdin)['frame']\nopen(f'{frame}', 'x')\nif frame == 1: sys.exit(7)"
    health = Health()
    hub = Hub([RunProgram(python(tmp_path, text), 1, 60)], health, live=False)
    for number in range(3):
        hub.show(result(number, changed=True))
    eventually(lambda: (tmp_path / "2").exists())
    hub.close()
    assert health.snapshot().outputs["exec"].dropped == 1
    assert "ended with code 7" in capsys.readouterr().err


def test_what_it_started_dies_with_a_program_that_is_killed(tmp_path: Path) -> None:
    text = """
child = os.fork()
if not child:
    open('child', 'x').write(str(os.getpid()))
signal.pause()
"""
    output = RunProgram(python(tmp_path, text), 1, 1.0)
    output.show(result(0, changed=True))

    def killed() -> bool:
        try:
            output.health(snapshot())
        except NeverTaken as error:
            assert "took more than 1 s and was killed" in str(error)
            return True
        return False

    eventually(killed)
    child = (tmp_path / "child").read_text()
    eventually(lambda: not Path(f"/proc/{child}").exists() or "zombie" in Path(f"/proc/{child}/status").read_text())


def test_a_program_that_has_gone_makes_the_output_fail(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be started"):
        RunProgram(Program((str(tmp_path / "gone"),)), 1, 1).show(result(0, changed=True))


def test_a_program_that_reads_nothing_is_no_failure(tmp_path: Path) -> None:
    output = RunProgram(python(tmp_path, "sys.stdin.close()"), 1, 60)
    output.show(result(0, changed=True))
    output.close()


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("", "no program"),
        ("nowhere-to-be-found --on", "nowhere-to-be-found"),
        ("echo 'open", "cannot be read"),
        ("./script.py", "chmod"),
    ],
)
def test_what_is_no_program_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text("print()")
    with pytest.raises(OutputError) as caught:
        parse_program(command)
    assert what in str(caught.value) + caught.value.mend


def test_quotes_are_a_shell_s_and_nothing_else_is() -> None:
    assert parse_program("echo 'a b' $HOME; true").arguments[1:] == ("a b", "$HOME;", "true")

"""Configuration files: the options of a command under their names, checked like these, with the line of a mistake."""

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from support import fedge

from fedge.cli.app import app
from fedge.cli.main import run
from fedge.cli.parsing.command import GIVEN, Command
from fedge.cli.parsing.config_file import keys
from fedge.cli.parsing.schema import schema
from fedge.options import Address, RunOptions
from fedge.options.config_text import write_text
from fedge.options.outputs import MetricsOptions, WebOptions


def command(name: str) -> Command:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    found = group.commands[name]
    assert isinstance(found, Command)
    return found


def asked(*arguments: object) -> tuple[RunOptions, dict[str, Any]]:
    """What `fedge run ARGUMENTS` makes of them, and what it would write into a file."""
    context = command("run").make_context("run", [str(argument) for argument in arguments])
    with context:
        return command("run").invoke(context), context.meta[GIVEN]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fedge.toml"


def test_a_file_says_what_the_flags_say(file: Path) -> None:
    file.write_text(
        'model = "base"\ndevice = 0\nrotate = 90\nregion = "1,2,30,40"\n'
        "enter = 0.8\nmetrics = 9000\nweb = true\njson = true\n"
    )
    words = "base --device 0 --rotate 90 --region 1,2,30,40 --enter 0.8 --metrics 9000 --web --json"
    options, _ = asked("--config", file)
    assert options == asked(*words.split())[0]
    assert options.outputs == (
        MetricsOptions(Address("127.0.0.1", 9000)),
        WebOptions(Address("127.0.0.1", 8080)),
    )


def test_the_command_line_wins(file: Path) -> None:
    file.write_text("camera = true\ndevice = 3\nenter = 0.8\nframes = 5\n")
    options, given = asked("--config", file, "--source", "a.png", "--enter", "0.9")
    assert (options.source, options.device, options.decision.enter, options.frames) == ("a.png", None, 0.9, 5)
    assert given == {"source": "a.png", "enter": 0.9, "frames": 5}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('# one\ncamera = true\nframes = "many"', 3, "integer"),
        ("camera = true\ncsvv = 1", 2, "did you mean csv?"),
        ("camera = 1", 1, "is either true or false"),
        ("frames = true", 1, "is neither a text nor a number"),
        ("frames = 1.5", 1, "integer"),
        ("frames = 0", 1, "greater than or equal to 1"),
        ("enter = nan", 1, "enter"),
        ('\n\nregion = "1,2"', 3, "is no region"),
        ('web = "8080:x"', 1, "is no address"),
        ('mqtt = "nonsense"', 1, "no broker"),
        ('reject = "strickt"', 1, "did you mean strict?"),
        ("width = [1]", 1, "is neither a text nor a number"),
        ("[camera]\nwidth = 1", 1, "is either true or false"),
        ("csv-mb = 1\ncsv_mb = 2", 2, "is there twice"),
        ('config = "other.toml"', 1, "has no option config"),
        ("camera = true\ncamera = false", 2, "Cannot overwrite"),
        ("a = [", 1, "write each option as a line"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_line(
    file: Path, text: str, line: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(f"{text}\n")
    assert run(["run", "--config", str(file)]) == 1
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith(f"fedge: {file}:{line}: ") and message in error


def test_the_other_word_of_a_flag_is_told_how_to_be_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("gray = true\n")
    assert run(["train", "--config", str(file)]) == 1
    assert "write color = false" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"\xff", b"x" * 1_000_001])
def test_a_file_that_cannot_be_read_is_one_line(
    file: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        file.write_bytes(content)
    assert run(["run", "--config", str(file)]) == 1
    (error,) = capsys.readouterr().err.splitlines()
    assert str(file) in error


def test_what_was_given_is_saved_and_gives_the_same_again(file: Path, tmp_path: Path) -> None:
    words = [
        "small",
        "--camera",
        "--csv",
        'a "b" \x7f.csv',
        "--web",
        "--smooth",
        "0.5",
        "--frames",
        "7",
        "--show-input",
    ]
    options, _ = asked(*words, "--save-config", file)
    assert tomllib.loads(file.read_text()) == {
        "model": "small",
        "camera": True,
        "csv": 'a "b" \x7f.csv',
        "web": "127.0.0.1:8080",
        "smooth": 0.5,
        "frames": 7,
        "show-input": True,
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert asked("--config", file)[0] == options


def test_train_takes_a_file_too_and_lists_in_it(file: Path) -> None:
    file.write_text('data = ["a", "b"]\nweight = [1, 0.5]\nfrom = "base"\ncolor = false\narch = "small"\n')
    context = command("train").make_context("train", ["--config", str(file)])
    given = {"data": ["a", "b"], "weight": [1.0, 0.5], "arch": "small", "color": False, "start": "base"}
    assert {name: context.params[name] for name in given} == given
    assert tomllib.loads(write_text(context.meta[GIVEN])) == tomllib.loads(file.read_text())


def test_a_run_takes_its_options_from_a_file(file: Path, tmp_path: Path) -> None:
    assert fedge("samples", tmp_path / "samples", "--count", 10).code == 0
    file.write_text(f'source = "{tmp_path}/samples"\njson = true\nframes = 3\n')
    assert len(fedge("run", "--config", file).lines()) == 3
    assert len(fedge("run", "--config", file, "--frames", 2).lines()) == 2


@pytest.mark.parametrize("name", ["run", "train"])
def test_the_schema_has_every_option_and_what_a_file_may_say(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", name]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made == schema(command(name))
    assert set(made["properties"]) == set(keys(command(name)))
    assert made["additionalProperties"] is False
    if name == "run":
        assert made["properties"]["frames"]["minimum"] == 1 and made["properties"]["rotate"]["enum"] == [
            0,
            90,
            180,
            270,
        ]
        assert made["properties"]["camera"]["anyOf"][0]["type"] == "boolean"
    else:
        one, several = made["properties"]["weight"]["anyOf"]
        assert one["type"] == several["items"]["type"] == "number" and several["type"] == "array"

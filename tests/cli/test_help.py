"""Help: options under headings, with examples, and those that are rarely needed only where they are asked for."""

import subprocess
import sys

import pytest
from support import fedge

from fedge.cli.main import run

HEADINGS = {
    "run": ["Source", "Camera", "Decision", "Show", "Send", "Keep", "Limits", "Options", "Examples"],
    "train": ["Pictures", "Network", "How long", "Start from", "Expert", "Options", "Examples"],
}


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", HEADINGS)
def test_help_has_headings_in_order_and_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, command, "--help")
    places = [text.index(f"\n{heading}:") for heading in HEADINGS[command]]
    assert places == sorted(places)
    assert f"\n  fedge {command} " in text.partition("Examples:")[2]
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(("command", "rare"), [("run", "--stall-after"), ("train", "--learning-rate")])
def test_rare_options_are_shown_where_all_are_asked_for(
    command: str, rare: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rare not in shown(capsys, command, "--help")
    assert rare in shown(capsys, command, "--help-all")
    assert rare not in shown(capsys, command, "--help")


def test_defaults_that_depend_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(shown(capsys, "run", "--help").split())
    assert "[default: 0.6; 0.01<=x<=1]" in text and "[default: 1, or 0 for single pictures; x>=0]" in text


def test_shells_are_given_completions() -> None:
    words = {"_FEDGE_COMPLETE": "complete_bash", "COMP_WORDS": "fedge train --arch sm", "COMP_CWORD": "3"}
    assert fedge(**words).out.split() == ["small"]


def test_help_loads_nothing_that_only_checks_values() -> None:
    code = "import sys; from fedge.cli.main import run; run(['run', '--help']); print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr.split()
    assert "typer" in loaded and not {"pydantic", "numpy", "cv2", "rich"} & set(loaded)

"""What people and programs read on standard output."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest

from fedge.errors import OutputError
from fedge.outputs import window
from fedge.outputs.faults import Faults
from fedge.outputs.json_lines import JsonLines
from fedge.outputs.terminal import Lines, LiveLine, terminal
from fedge.preprocess import Recipe
from results import result, snapshot


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_live_line_for_a_camera_and_a_line_per_picture() -> None:
    assert isinstance(terminal(True, Terminal()), LiveLine)
    assert isinstance(terminal(False, Terminal()), Lines)
    assert isinstance(terminal(True, io.StringIO()), Lines)


def test_lines_say_what_it_is_and_what_came_next() -> None:
    stream = io.StringIO()
    output = Lines(stream)
    output.show(result(0, "Bag", source="/a/b.png"))
    output.show(result(1, None, source="/a/c.png"))
    assert stream.getvalue() == "b.png: Bag 75%  (Dress 25%)\nc.png: unknown (best guess Coat) 75%  (Dress 25%)\n"


def test_a_label_cannot_command_the_terminal() -> None:
    for output in (Lines(stream := Terminal()), LiveLine(live := Terminal())):
        output.show(result(0, "\x1b]0;mine\x07\rBag\x9b2J", source="\x1b[31m.png"))
    for text in (stream.getvalue(), live.getvalue()):
        assert not set(text) & set("\x1b\x07\x9b")
        assert text.count("\r") <= 1


def test_the_live_line_shows_rate_and_age_and_why_nothing_comes() -> None:
    stream = Terminal()
    output = LiveLine(stream)
    output.health(snapshot())
    output.show(result(0, "Bag"))
    assert "24.5 frames/s, 12 ms old" in stream.getvalue()
    output.health(snapshot("waiting", "no camera"))
    assert "waiting: no camera" in stream.getvalue()
    output.close()
    assert stream.getvalue().endswith("\n")


def test_faults_are_told_once_each() -> None:
    stream = io.StringIO()
    output = Faults(stream)
    for health in (snapshot(), snapshot("waiting", "no frame came"), snapshot("running", "no frame came"), snapshot()):
        output.health(health)
    told = stream.getvalue().splitlines()
    assert told[:2] == ["fedge: no frame came", "fedge: frames come again"]


def test_json_lines_are_whole_and_at_once() -> None:
    reading, writing = os.pipe()
    output = JsonLines(writing)
    output.show(result(4, "Übergröße", changed=True))
    line = json.loads(os.read(reading, 1 << 16))
    assert (line["frame"], line["label"], line["decision"], line["changed"]) == (4, "Übergröße", "Übergröße", True)
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        output.show(result(5))
    os.close(writing)


def test_a_json_line_that_was_cut_short_costs_no_other_line() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    output = JsonLines(writing)
    with pytest.raises(BlockingIOError):
        for number in range(1_000_000):
            output.show(result(number))
    received = os.read(reading, 1 << 20)
    output.show(result(-1))
    received += os.read(reading, 1 << 20)
    os.close(reading)
    os.close(writing)
    lines = received.decode().splitlines()
    assert json.loads(lines[-1])["frame"] == -1
    numbers = [json.loads(line)["frame"] for line in lines[:-2]]
    assert numbers == list(range(len(numbers)))


@pytest.mark.skipif(window._gui() != "NONE", reason="this build of OpenCV has windows")
def test_an_opencv_without_windows_is_one_clear_error() -> None:
    with pytest.raises(OutputError, match="no windows; run `pip"):
        window.Window(Recipe(28, 28))


def test_a_window_needs_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_gui", lambda: "QT5")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(OutputError, match="no display"):
        window.Window(Recipe(28, 28))


def test_the_windows_picture_has_the_region_and_leaves_the_frame_alone(tmp_path: Path) -> None:
    gray = np.full((480, 640), 50, np.uint8)
    drawn = window.draw(result(0, picture=gray), Recipe(28, 28, fit="crop"))
    assert drawn.shape == (480, 640, 3)
    assert (gray == 50).all()
    # The middle 480 of 640 columns: the frame's left side is at 80, drawn 2 to 3 pixels wide.
    assert (drawn[240, :70] == 50).all()
    assert (drawn[240, 80] != 50).any()
    assert (drawn[240, 90:550] == 50).all()
    assert (drawn[8:26, 8:60] != 50).any()

"""What people and programs read on standard output."""

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from results import result, snapshot

from fedge.errors import OutputError
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe
from fedge.outputs.files.json_lines import JsonLines
from fedge.outputs.screen import window
from fedge.outputs.screen.faults import Faults
from fedge.outputs.screen.half_blocks import blocks
from fedge.outputs.screen.terminal import Lines, LiveLine, terminal
from fedge.runner.result import Result


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def cut_out(label: str | None, quality: float, empty: bool = False, image: Picture | None = None) -> Result:
    """What a model that cuts out says, where it is `empty` as the classifier says it of no object."""
    made = result(0, label, image=image)
    answer = replace(made.answer, quality=quality)
    if empty:
        alike = (("Bag", 0.5), ("Dress", 0.5))
        answer = replace(answer, score=0.5, top=alike, probabilities=(0.5, 0.5), empty=True)
    return replace(made, answer=answer)


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


@pytest.mark.parametrize("live", [True, False])
def test_where_no_object_is_it_says_so_and_guesses_nothing(live: bool) -> None:
    output = terminal(live, stream := Terminal())
    output.show(cut_out(None, 0.1, empty=True))
    assert "no object" in stream.getvalue()
    assert not any(guess in stream.getvalue() for guess in ("Bag", "Dress", "%", "unknown"))
    # An object that it does not know is another matter.
    output.show(cut_out(None, 0.9))
    assert "unknown (best guess Coat) 75%" in stream.getvalue()


@pytest.mark.parametrize("live", [True, False])
def test_how_sure_the_cut_out_is_stands_beside_what_the_network_sees(live: bool) -> None:
    image = np.zeros((4, 6, 1), np.uint8)
    output = terminal(live, stream := Terminal(), show_input=True)
    output.show(cut_out("Bag", 0.93, image=image))
    assert "Bag 75%  (Dress 25%)  cut-out 93% sure" in stream.getvalue()
    output.show(cut_out(None, 0.12, empty=True, image=image))
    assert "no object  cut-out 12% sure" in stream.getvalue()
    plain = terminal(live, stream := Terminal())
    plain.show(cut_out("Bag", 0.93, image=image))
    assert "sure" not in stream.getvalue()


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


def test_a_terminal_shows_what_the_network_sees_two_pixels_to_a_character() -> None:
    image = np.array([[[0], [255]], [[128], [0]], [[255], [255]]], np.uint8)
    # 232 is the darkest of 24 grays, 255 the brightest, 16 black; 128 of 255 is 11 of 23 steps.
    first = "\x1b[38;5;232;48;5;243m▀\x1b[38;5;255;48;5;232m▀\x1b[0m"
    assert blocks(image, 80, 20) == [first, "\x1b[38;5;255;48;5;16m▀" * 2 + "\x1b[0m"]
    # Red is 16 + 5 * 36.
    assert blocks(np.full((2, 1, 3), (255, 0, 0), np.uint8), 80, 20) == ["\x1b[38;5;196;48;5;196m▀\x1b[0m"]


@pytest.mark.parametrize(("height", "width"), [(28, 28), (96, 96), (512, 20), (20, 512)])
def test_what_the_network_sees_fits_into_the_terminal(height: int, width: int) -> None:
    lines = blocks(np.zeros((height, width, 1), np.uint8), 79, 22)
    assert len(lines) <= 22
    assert all(0 < line.count("▀") <= 79 for line in lines)


def test_the_live_line_stays_where_it_is_above_the_input() -> None:
    stream = Terminal()
    output = terminal(True, stream, show_input=True)
    output.show(result(0, "Bag", image=np.zeros((4, 6, 1), np.uint8)))
    assert stream.getvalue().startswith("\rBag 75%")
    # As many lines up as there were line feeds.
    assert stream.getvalue().count("\n") == 2
    assert stream.getvalue().endswith("\x1b[2A")
    output.close()
    assert stream.getvalue().endswith("\n\n\n")


def test_the_input_is_shown_only_where_it_is_asked_for() -> None:
    image = np.zeros((4, 6, 1), np.uint8)
    for live in (True, False):
        output = terminal(live, stream := Terminal())
        output.show(result(0, image=image))
        assert "▀" not in stream.getvalue()
        asked = terminal(live, stream := Terminal(), show_input=True)
        asked.show(result(0, image=image))
        assert stream.getvalue().count("▀") == 12
        asked.show(result(0))
    with pytest.raises(OutputError, match="needs a terminal"):
        terminal(True, io.StringIO(), show_input=True)


def test_faults_are_told_once_each() -> None:
    stream = io.StringIO()
    output = Faults(stream)
    healthy, waiting = snapshot(), replace(snapshot("waiting", "no frame came"), recoveries=0)
    again = replace(waiting, state="running", recoveries=1)
    other = replace(again, faults={"stall": 2, "corrupt": 1}, message="a JPEG is damaged")
    # The counts only ever grow, and the health comes each second.
    for health in (healthy, healthy, waiting, waiting, again, again, other, other):
        output.health(health)
    assert stream.getvalue().splitlines() == [
        "fedge: no frame came",
        "fedge: frames come again",
        "fedge: a JPEG is damaged",
    ]


def test_a_fault_that_goes_on_is_told_again_after_growing_pauses_with_a_count() -> None:
    clock = [0.0]
    stream = io.StringIO()
    output = Faults(stream, clock=lambda: clock[0])
    for second in range(7200):
        clock[0] = float(second)
        faults = {"absent": 1 + second // 2}
        output.health(replace(snapshot("waiting", "no camera gives a picture"), faults=faults, recoveries=0))
    lines = stream.getvalue().splitlines()
    # Told at 0 s; then 1, 2, 4, 8, 16, 32 and 60 minutes after the time before, of which two hours hold six.
    assert lines[:3] == [
        "fedge: no camera gives a picture",
        "fedge: no camera gives a picture (30 more times)",
        "fedge: no camera gives a picture (60 more times)",
    ]
    assert len(lines) == 7
    output.health(replace(snapshot(), faults={"absent": 3600}, recoveries=1))
    assert stream.getvalue().splitlines()[7:] == ["fedge: frames come again"]
    # A minute later it is news.
    clock[0] += 61
    output.health(replace(snapshot("waiting", "gone"), faults={"absent": 3601}, recoveries=1))
    assert stream.getvalue().splitlines()[8:] == ["fedge: gone"]


def test_a_log_gets_the_first_answer_of_a_camera_and_then_changes_only() -> None:
    output = terminal(True, io.StringIO())
    shown = [result(0), result(1), result(2, "Coat", changed=True), result(3, "Coat")]
    assert [output.wants(made) for made in shown] == [True, False, True, False]
    assert all(map(terminal(False, io.StringIO()).wants, shown))


@pytest.mark.parametrize("columns", [80, 120])
def test_a_message_does_not_tear_the_live_line(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "24")
    stream = Terminal()
    output = terminal(True, stream)
    output.show(result(0, "Bag"))
    Faults(stream).health(snapshot("waiting", "no frame came"))
    output.show(result(1, "Bag"))
    output.close()
    screen = Screen(columns)
    screen.write(stream.getvalue())
    assert screen.lines == [
        "fedge: no frame came",
        "fedge: frames come again",
        "Bag 75%  (Dress 25%)  12 ms old",
        "",
    ]


class Screen:
    """What a terminal shows of what it is sent: text, `\\r`, `\\n` and "erase to the end of the screen"."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rows: list[list[str]] = [[]]
        self._row = self._column = 0

    @property
    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._rows]

    def write(self, text: str) -> None:
        for character in text.replace("\x1b[J", "\x00"):
            if character == "\r":
                self._column = 0
            elif character == "\x00":
                self._rows[self._row] = self._rows[self._row][: self._column]
            elif character == "\n":
                self._next()
            else:
                if self._column == self._columns:
                    self._next()
                row = self._rows[self._row]
                row[self._column : self._column + 1] = [character]
                self._column += 1

    def _next(self) -> None:
        self._row, self._column = self._row + 1, 0
        self._rows.append([])


def test_a_live_line_of_wide_characters_keeps_to_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    terminal(True, stream).show(result(0, "\N{CJK UNIFIED IDEOGRAPH-82F9}" * 30))
    # Nine of two columns each, and one column that is left.
    assert stream.getvalue() == "\r" + "\N{CJK UNIFIED IDEOGRAPH-82F9}" * 9 + " "


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_whose_encoding_lacks_characters_shows_what_it_can(encoding: str) -> None:
    class Latin(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    image = np.zeros((4, 6, 1), np.uint8)
    for live in (False, True):
        stream = Latin(written := io.BytesIO(), encoding)
        output = terminal(live, stream, show_input=True)
        output.show(result(0, "\N{CJK UNIFIED IDEOGRAPH-82F9}\N{BANANA}", image=image))
        output.close()
        text = written.getvalue().decode(encoding)
        assert "?? 75%" in text
        assert text.count("\x1b[48;5;232m ") == 12


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


def test_an_opencv_without_windows_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.getBuildInformation", lambda: "  GUI:                           NONE\n")
    with pytest.raises(OutputError, match="no windows; run `pip"):
        window.Window(Recipe(28, 28))


def test_a_window_needs_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.getBuildInformation", lambda: "  GUI:                           QT5\n")
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


def test_the_windows_picture_has_the_input_beside_it_enlarged() -> None:
    image = np.array([[[250, 0, 0], [0, 0, 250]], [[0, 250, 0], [9, 9, 9]]], np.uint8)
    frame = result(0, picture=np.full((480, 640, 3), 50, np.uint8), image=image)
    drawn = window.draw(frame, Recipe(2, 2, color="rgb"), show_input=True)
    # Half the height: 240 pixels wide and high, 120 above and below; red-green-blue became blue-green-red.
    assert drawn.shape == (480, 640 + 240, 3)
    inputs = drawn[120:360, 640:]
    assert (inputs[:120, :120] == (0, 0, 250)).all()
    assert (inputs[:120, 120:] == (250, 0, 0)).all()
    assert (inputs[120:, :120] == (0, 250, 0)).all()
    assert (drawn[:120, 640:] == 0).all()
    assert window.draw(frame, Recipe(2, 2, color="rgb")).shape == (480, 640, 3)

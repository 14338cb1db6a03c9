"""Makes the documentation's pictures of the page and of the terminal, from the product itself in a real Chromium.

    python docs/pictures/make.py PHOTOGRAPHS [--png FOLDER]

PHOTOGRAPHS holds a folder per class of alexeygrigorev/clothing-dataset-small's validation part, whose pictures may be
shown (CC0). They are served as a network camera would; `fedge run` classifies them. The page is taken in each of its
states, on a desktop and on a phone, light and dark. With `--png` the pictures are written there as PNG, to look at.
"""

import argparse
import io
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import cv2
import numpy as np
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI, TerminalTheme
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "helpers"))
from browser import Page, browser
from mjpeg_server import MjpegServer, mjpeg_server
from pictures_for_tests import jpeg

from fedge.images.picture import Picture, read_picture

HERE = Path(__file__).parent
# The class folder, the photograph's name, and what it is called: those that fit a square, one of each kind.
SHOWN = (
    ("t-shirt", "06de9ebd", "t-shirt"),
    ("longsleeve", "2b12ad64", "pullover"),
    ("shoes", "5e577f40", "boots"),
    ("dress", "19e4de0d", "dress"),
)
SCREENS = {"desktop": (1280, 740, 1.0), "phone": (390, 844, 1.5)}
SIDE, FRAMES_PER_SECOND, SECONDS_EACH = 480, 12, 6
COLUMNS, ROWS = 90, 40
COMMANDS = (
    ("fedge", "run", "--source", "garments", "--record", "recording"),
    ("fedge", "replay", "recording"),
    ("fedge", "verify", "camera"),
)
LIGHT = TerminalTheme(
    (255, 255, 255),
    (24, 33, 31),
    [
        (24, 33, 31),
        (185, 28, 28),
        (21, 128, 61),
        (180, 83, 9),
        (29, 78, 216),
        (126, 34, 206),
        (15, 118, 110),
        (93, 104, 101),
    ],
)
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 22px 26px; background: {background}; color: {color}; width: max-content; }}
pre {{ margin: 0; font: 14px/1.5 "DejaVu Sans Mono", monospace; }}
.prompt {{ opacity: .55; }} b {{ font-weight: 600; }}
</style><pre>{text}</pre>"""


def photographs(folder: Path) -> list[Picture]:
    """The middle squares of the photographs that are shown, uint8 [SIDE, SIDE, 3] blue-green-red."""
    pictures = []
    for name, start, _ in SHOWN:
        picture = read_picture(next((folder / name).glob(f"{start}*")))
        height, width = picture.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = cv2.resize(picture[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        pictures.append(np.asarray(square, dtype=np.uint8))
    return pictures


def as_from_a_camera(pictures: list[Picture]) -> list[bytes]:
    """Each picture for some seconds, with the noise of a sensor, as JPEG."""
    generator = np.random.default_rng(0)
    frames = []
    for picture in pictures:
        for _ in range(FRAMES_PER_SECOND * SECONDS_EACH):
            noisy = picture + generator.normal(0, 2, picture.shape)
            frames.append(jpeg(np.asarray(np.clip(noisy, 0, 255), dtype=np.uint8)))
    return frames


@contextmanager
def runner(server: MjpegServer, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`fedge run` on the stream, and its page's address."""
    outputs = ["--web", "127.0.0.1:0", "--csv", str(folder / "answers.csv"), "--metrics", "127.0.0.1:0"]
    command = [sys.executable, "-m", "fedge", "run", "--camera", "--device", server.url, "--wait", *outputs]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            found = (re.search(r"web page.*(http://\S+)", line) for line in process.stderr)
            yield process, next(match[1] for match in found if match)
        finally:
            process.kill()


def page_pictures(folder: Path, pictures: list[Picture], suffix: str) -> None:
    """The page in all its states, on all screens, light and dark."""
    with mjpeg_server(jpegs=as_from_a_camera(pictures), interval=1 / FRAMES_PER_SECOND) as server:
        server.stalled.set()
        with (
            tempfile.TemporaryDirectory() as scratch,
            runner(server, Path(scratch)) as (process, address),
            browser() as tab,
        ):
            tab.screen(*SCREENS["desktop"][:2])
            tab.open(address)
            tab.wait_for("document.querySelectorAll('#bars li').length > 1")
            take(tab, folder, "empty", suffix)
            server.stalled.clear()
            tab.wait_for("document.querySelectorAll('#changes li').length >= 9", 300)
            take(tab, folder, "running", suffix, decision="Dress")
            server.stalled.set()
            tab.wait_for("document.getElementById('picture').classList.contains('stale')")
            tab.wait_for("document.getElementById('status').dataset.state === 'waiting'")
            take(tab, folder, "stalled", suffix)
            assert tab.errors == [], tab.errors
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            tab.wait_for("document.getElementById('status').dataset.state === 'lost'")
            take(tab, folder, "ended", suffix)


def take(tab: Page, folder: Path, state: str, suffix: str, decision: str | None = None) -> None:
    """Takes the page as it is now on each screen; with a `decision`, when it has just been made."""
    for screen, (width, height, scale) in SCREENS.items():
        for dark in (False, True):
            tab.screen(width, height, dark, scale)
            if decision:
                tab.wait_for(f"document.getElementById('decision').textContent !== {decision!r}", 60)
                tab.wait_for(f"document.getElementById('decision').textContent === {decision!r}", 60)
            # Until a transition has ended and the bars are those of this picture.
            sleep(1)
            path = folder / "page" / screen / f"{state}-{'dark' if dark else 'light'}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            tab.screenshot(path, whole=screen == "desktop")


def terminal_pictures(folder: Path, pictures: list[Picture], suffix: str) -> None:
    """A terminal with some commands and what they print, light and dark."""
    with tempfile.TemporaryDirectory() as scratch, browser() as tab:
        garments = Path(scratch) / "garments"
        garments.mkdir()
        for (_, _, name), picture in zip(SHOWN, pictures, strict=True):
            cv2.imwrite(str(garments / f"{name}.jpg"), picture)
        sessions: list[tuple[tuple[str, ...], str]] = [
            (command, output_of(command, Path(scratch))) for command in COMMANDS
        ]
        for name, theme in (("light", LIGHT), ("dark", DIMMED_MONOKAI)):
            page = Path(scratch) / f"{name}.html"
            page.write_text(html(sessions, theme))
            tab.screen(2000, 1200, False, 1.5)
            tab.open(page.as_uri())
            width, height = tab.value("[document.body.offsetWidth, document.body.offsetHeight]")
            tab.screen(width, height, False, 1.5)
            tab.screenshot(folder / f"terminal-{name}{suffix}")


def output_of(command: tuple[str, ...], folder: Path) -> str:
    """What a command writes to a terminal of `COLUMNS` columns, escape sequences included."""
    # The first word is how a person calls it.
    arguments = [sys.executable, "-m", *command]
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.environ |= {"COLUMNS": str(COLUMNS), "LINES": str(ROWS), "TERM": "xterm-256color"}
        os.execv(arguments[0], arguments)
    chunks = []
    deadline = monotonic() + 60
    while monotonic() < deadline:
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0, command
    lines = b"".join(chunks).decode().replace("\r\n", "\n").split("\n")
    # What a carriage return went back over is gone, as on a terminal.
    return "\n".join(line.split("\r")[-1] for line in lines).strip("\n")


def html(sessions: list[tuple[tuple[str, ...], str]], theme: TerminalTheme) -> str:
    """The commands and their outputs as a web page in a theme's colours."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for number, (command, output) in enumerate(sessions):
        console.print(Text.assemble(("\n" if number else "", ""), ("$ ", "bold cyan"), (" ".join(command), "bold")))
        console.print(Text.from_ansi(output))
    text = console.export_html(theme=theme, inline_styles=True, code_format="{code}")
    return PAGE.format(background=theme.background_color.hex, color=theme.foreground_color.hex, text=text)


def main() -> None:
    """Makes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--png", type=Path, help="write PNG files into this folder instead")
    parser.add_argument("--only", choices=["page", "terminal"])
    arguments = parser.parse_args()
    folder, suffix = (arguments.png, ".png") if arguments.png else (HERE, ".webp")
    pictures = photographs(arguments.photographs)
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.only != "page":
        terminal_pictures(folder, pictures, suffix)
    if arguments.only != "terminal":
        page_pictures(folder, pictures, suffix)


if __name__ == "__main__":
    main()

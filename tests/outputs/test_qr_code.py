"""The page's address as a QR code."""

import re

import cv2
import numpy as np

from fedge.outputs.screen.qr_code import qr_code

URL = "http://192.168.178.123:8080/?token=abcdefghijklmnopqrstuv"
_CELL = re.compile(r"\x1b\[38;5;(\d+);48;5;(\d+)m|\N{UPPER HALF BLOCK}")


def pixels(lines: list[str]) -> np.ndarray:
    """What a terminal would show, a pixel per half of a character."""
    rows: list[list[int]] = []
    for line in lines:
        upper, lower, colors = [], [], (0, 0)
        for cell in _CELL.finditer(line):
            if cell[1]:
                colors = (int(cell[1]), int(cell[2]))
            else:
                upper.append(colors[0])
                lower.append(colors[1])
        rows += [upper, lower]
    return np.where(np.array(rows) > 243, 255, 0).astype(np.uint8)


def test_a_camera_reads_the_address_from_the_terminal() -> None:
    shown = pixels(qr_code(URL, 80))
    enlarged = cv2.resize(shown, None, fx=8, fy=8, interpolation=cv2.INTER_NEAREST)
    assert cv2.QRCodeDetector().detectAndDecode(enlarged)[0] == URL


def test_a_terminal_that_is_too_narrow_gets_none() -> None:
    assert qr_code(URL, 20) == []

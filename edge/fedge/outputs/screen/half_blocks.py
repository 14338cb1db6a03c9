"""A small picture in a terminal: two pixels to a character, in the 256 colours that terminals have."""

import numpy as np
from numpy.typing import NDArray

from fedge.images.picture import Picture

_UPPER_HALF, _PLAIN = "\N{UPPER HALF BLOCK}", "\x1b[0m"
# Of the 256 colours: a cube of 6x6x6, then 24 grays.
_CUBE, _GRAYS = 16, 232


def blocks(image: Picture, columns: int, rows: int, has_blocks: bool = True) -> list[str]:
    """The lines that show a network's input: uint8, [h, w, 1] or [h, w, 3] red-green-blue.

    Of one that does not fit into `columns` and `rows` every second, third, ... pixel is shown. A terminal that has no
    such characters, as `can_show_blocks` says, gets coloured spaces for every second row.
    """
    height, width, _ = image.shape
    step = max(1, -(-width // max(1, columns)), -(-height // max(1, 2 * rows)))
    colors = _colors(image[::step, ::step].astype(np.int64))
    if len(colors) % 2:
        colors = np.concatenate([colors, np.full_like(colors[:1], _CUBE)])
    if not has_blocks:
        return [_spaces(row) for row in colors[::2].tolist()]
    return [_line(upper, lower) for upper, lower in zip(colors[::2].tolist(), colors[1::2].tolist(), strict=True)]


def can_show_blocks(encoding: str) -> bool:
    """Whether a terminal of this encoding has the characters."""
    try:
        _UPPER_HALF.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _colors(pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    if pixels.shape[2] == 1:
        return _GRAYS + pixels[:, :, 0] * 23 // 255
    red, green, blue = (pixels[:, :, i] * 5 // 255 for i in range(3))
    return _CUBE + 36 * red + 6 * green + blue


def _line(upper: list[int], lower: list[int]) -> str:
    pairs = zip(upper, lower, strict=True)
    return "".join(f"\x1b[38;5;{top};48;5;{bottom}m{_UPPER_HALF}" for top, bottom in pairs) + _PLAIN


def _spaces(row: list[int]) -> str:
    return "".join(f"\x1b[48;5;{color}m " for color in row) + _PLAIN

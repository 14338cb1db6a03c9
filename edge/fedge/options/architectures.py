"""Residual networks spelled out by their widths and depths."""

import re

from fedge.errors import FedgeError

_RESIDUAL = re.compile(r"r(\d+(?:-\d+)*)x(\d+(?:-\d+)*)")
MOST_STAGES, WIDTHS, MOST_BLOCKS = 5, (1, 512), 9


def parse_residual(name: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The widths and the numbers of blocks of a residual network, stage by stage; None where the name spells none.

    `r16-32-48x2-2-1` has 2 blocks of 16 channels, 2 of 32 at half the size, and 1 of 48 at a quarter. Raises FedgeError
    where it spells one that cannot be built.
    """
    found = _RESIDUAL.fullmatch(name)
    if found is None:
        return None
    widths, blocks = (tuple(map(int, part.split("-"))) for part in found.groups())
    mend = "write it as r16-32-48x2-2-1: a width and a number of blocks for each stage"
    if len(widths) != len(blocks):
        raise FedgeError(f"{name} has {len(widths)} widths and {len(blocks)} numbers of blocks", mend)
    least, most = WIDTHS
    if len(widths) > MOST_STAGES or not all(least <= width <= most for width in widths):
        raise FedgeError(f"{name} is too large: it may have {MOST_STAGES} stages of {most} channels at most", mend)
    if not all(1 <= count <= MOST_BLOCKS for count in blocks):
        raise FedgeError(f"{name} must have from 1 to {MOST_BLOCKS} blocks in each stage", mend)
    return widths, blocks

"""Residual networks that are spelled out."""

import pytest

from fedge.errors import FedgeError
from fedge.options import parse_residual


def test_widths_and_blocks_are_read() -> None:
    assert parse_residual("r16-32-48x2-2-1") == ((16, 32, 48), (2, 2, 1))
    assert parse_residual("r8x1") == ((8,), (1,))
    assert parse_residual("small") is None


@pytest.mark.parametrize("name", ["r16-32x1", "r0x1", "r513x1", "r8x0", "r8x10", "r1-1-1-1-1-1x1-1-1-1-1-1"])
def test_what_cannot_be_built_is_refused(name: str) -> None:
    with pytest.raises(FedgeError, match="r16-32-48x2-2-1"):
        parse_residual(name)

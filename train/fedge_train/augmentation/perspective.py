"""Perspective transforms of a flat picture: turned, stretched and seen at an angle."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Corners = NDArray[np.float64]


def moved_corners(
    size: tuple[int, int], scale: tuple[float, float], slant: float, turn: float, generator: np.random.Generator
) -> Corners:
    """Where a rectangle's corners go, [4, 2] across and down from its middle, clockwise from the upper left.

    Args:
        size: its width and height.
        scale: what both are multiplied by.
        slant: how far each corner may then be off, as a share of the sides; drawn at random.
        turn: degrees, counter-clockwise.
    """
    moved = _corners(size) * scale + generator.uniform(-slant, slant, (4, 2)) * size
    return np.asarray(moved @ rotation(math.radians(turn)))


def rotation(angle: float) -> NDArray[np.float64]:
    """The rotation matrix by which points, [n, 2] across and down, are multiplied; the angle is in radians."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, sine], [-sine, cosine]])


def warp_perspective(picture: Picture, corners: Corners, size: tuple[int, int], flags: int, border: int) -> Picture:
    """Draws a picture with its corners at `corners`, in pixels, into one of `size`, its width and height."""
    own = picture.shape[1], picture.shape[0]
    matrix = cv2.getPerspectiveTransform(
        (_corners(own) + np.array(own) / 2).astype(np.float32), corners.astype(np.float32)
    )
    drawn = cv2.warpPerspective(np.ascontiguousarray(picture), matrix, size, flags=flags, borderMode=border)
    return np.asarray(drawn, dtype=np.uint8)


def _corners(size: tuple[int, int]) -> Corners:
    return np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * size

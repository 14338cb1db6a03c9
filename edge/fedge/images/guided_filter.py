"""The guided filter: smooths a map, but not across the edges of a colour picture (He, Sun and Tang, 2010)."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float64]


class GuidedFilter:
    """A guided filter for one picture: within each window the map is fitted by a linear function of the colour.

    Args:
        picture: uint8, [h, w, 3] in Lab; its first channel counts half as much as the others.
        radius: of the window, in pixels.
        smoothness: a variance of colours in 0..1; edges much fainter than its root are smoothed over.
    """

    def __init__(self, picture: NDArray[np.uint8], radius: int, smoothness: float) -> None:
        self._window = (2 * radius + 1, 2 * radius + 1)
        scales = (255.0, 127.5, 127.5)
        self._colors = [picture[:, :, i].astype(np.float64) / scale for i, scale in enumerate(scales)]
        self._means = [self._mean(color) for color in self._colors]
        self._inverse = _inverse(
            self._covariance(0, 0) + smoothness,
            self._covariance(0, 1),
            self._covariance(0, 2),
            self._covariance(1, 1) + smoothness,
            self._covariance(1, 2),
            self._covariance(2, 2) + smoothness,
        )

    def __call__(self, values: Map) -> Map:
        """Smooths a map: float64, [h, w]."""
        mean = self._mean(values)
        with_color = [self._mean(c * values) - m * mean for c, m in zip(self._colors, self._means, strict=True)]
        slopes = [_dot(row, with_color) for row in self._inverse]
        offset = mean - _dot(slopes, self._means)
        smooth = _dot([self._mean(slope) for slope in slopes], self._colors)
        smooth += self._mean(offset)
        return smooth

    def _mean(self, values: Map) -> Map:
        return np.asarray(cv2.blur(values, self._window), dtype=np.float64)

    def _covariance(self, i: int, j: int) -> Map:
        return self._mean(self._colors[i] * self._colors[j]) - self._means[i] * self._means[j]


def _dot(ones: Sequence[Map], others: Sequence[Map]) -> Map:
    """The sum of the products of three maps each with three others, added in their order."""
    result, product = ones[0] * others[0], np.empty_like(ones[0])
    for one, other in zip(ones[1:], others[1:], strict=True):
        result += np.multiply(one, other, out=product)
    return result


def _inverse(a: Map, b: Map, c: Map, d: Map, e: Map, f: Map) -> tuple[tuple[Map, Map, Map], ...]:
    """The inverse of the symmetric matrix [[a, b, c], [b, d, e], [c, e, f]] at each pixel."""
    p, q, r = d * f - e * e, c * e - b * f, b * e - c * d
    scale = 1 / (a * p + b * q + c * r)
    p, q, r = p * scale, q * scale, r * scale
    s, t, u = (a * f - c * c) * scale, (b * c - a * e) * scale, (a * d - b * b) * scale
    return (p, q, r), (q, s, t), (r, t, u)

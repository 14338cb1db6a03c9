"""A window with the live picture, where OpenCV can open one."""

import os
import sys

import cv2
import numpy as np

from fedge.errors import OutputError
from fedge.images.picture import Picture, input_to_picture
from fedge.images.preprocess import Recipe, seen
from fedge.outputs.base import Output
from fedge.outputs.screen.terminal import describe
from fedge.runner.result import Result

TITLE = "fedge"
_GREEN, _BLACK = (80, 200, 80), (0, 0, 0)
_LEAST_WIDTH = 320


class Window(Output):
    """Shows each newest frame with the region that the network sees and the answer; raises OutputError without a GUI.

    A window that the user closes stays closed; the run goes on.

    Args:
        recipe: the model's preprocessing, for the region.
        show_input: whether what the network sees stands beside the frame.
    """

    name, backlog, wants_pictures = "window", 1, True

    def __init__(self, recipe: Recipe, show_input: bool = False) -> None:
        if _gui() == "NONE":
            raise OutputError(
                "this build of OpenCV has no windows",
                "run `pip uninstall opencv-python-headless; pip install opencv-python`, or use --web",
            )
        if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")) and sys.platform == "linux":
            raise OutputError("there is no display for a window", "run it in a desktop session, or use --web")
        self._recipe, self._show_input = recipe, show_input
        self._opened = self._closed = False

    def show(self, result: Result) -> None:
        """Shows a frame; raises cv2.error."""
        if self._closed:
            return
        if self._opened and cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
            self._closed = True
            return
        cv2.imshow(TITLE, draw(result, self._recipe, self._show_input))
        self._opened = True
        # OpenCV draws and answers its window's events in here only.
        cv2.waitKey(1)

    def close(self) -> None:
        """Closes the window."""
        if self._opened and not self._closed:
            cv2.destroyWindow(TITLE)


def draw(result: Result, recipe: Recipe, show_input: bool = False) -> Picture:
    """The frame's picture with region and answer, uint8 [h, w, 3] blue-green-red; the frame's own is not touched.

    With `show_input` what the network sees is added at the right, enlarged.
    """
    picture = result.frame.picture
    color = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture.copy()
    top, left, height, width = seen(recipe, *color.shape[:2])
    cv2.rectangle(color, (left, top), (left + width - 1, top + height - 1), _GREEN, 2)
    if color.shape[1] < _LEAST_WIDTH:
        scale = _LEAST_WIDTH / color.shape[1]
        color = cv2.resize(color, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    for outline, ink in ((4, _BLACK), (1, _GREEN)):
        cv2.putText(color, describe(result), (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, ink, outline, cv2.LINE_AA)
    if show_input and result.answer.image is not None:
        color = np.concatenate([color, _beside(input_to_picture(result.answer.image), color.shape[0])], axis=1)
    return np.asarray(color, dtype=np.uint8)


def _beside(image: Picture, height: int) -> Picture:
    """The input in the window's colours, as wide as half the `height` and in the middle of it, on black."""
    color = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image
    scale = height / 2 / max(color.shape[:2])
    large = cv2.resize(color, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    above = (height - large.shape[0]) // 2
    below = height - large.shape[0] - above
    return np.asarray(cv2.copyMakeBorder(large, above, below, 0, 0, cv2.BORDER_CONSTANT), dtype=np.uint8)


def _gui() -> str:
    lines = [line.split(":", 1) for line in cv2.getBuildInformation().splitlines() if line.strip().startswith("GUI:")]
    return lines[0][1].strip() if lines else ""

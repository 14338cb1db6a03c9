"""The pictures in a run folder: curves, confusion matrix, and pages of samples."""

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

from fedge.system.files import replacing
from fedge_train.runs.history import Epoch

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager, get_font
from matplotlib.ticker import PercentFormatter

# A class may be called `$5`.
matplotlib.rcParams["text.parse_math"] = False

# Fonts that hold what Matplotlib's own lacks: it takes each character from the first font that has it.
_WIDE_FONTS = re.compile("CJK|WenQuanYi|Droid Sans Fallback|Unifont|Arial Unicode|Noto Sans|Noto Emoji|Symbola")
_MOST_FONTS = 12
_installed = sorted({font.name for font in fontManager.ttflist if _WIDE_FONTS.search(font.name)})
matplotlib.rcParams["font.family"] = ["DejaVu Sans", *_installed[:_MOST_FONTS]]

GRID = (6, 8)
# Of a side; more pixels than this makes are more than memory holds.
MOST_INCHES = 60.0
# Of a plot's width: names of marks that are nearer would be written over each other.
NEAR = 0.08


def plot_curves(path: Path, history: Sequence[Epoch], best_epoch: int) -> None:
    """Loss and accuracy over the epochs, in training and on held-out pictures; the chosen epoch is marked."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    epochs = [e.epoch for e in history]
    series = (
        ("loss", [e.loss for e in history], [e.held_out_loss for e in history]),
        ("accuracy", [e.accuracy for e in history], [e.held_out_accuracy for e in history]),
    )
    for ax, (title, train, held_out) in zip(axes, series, strict=True):
        ax.plot(epochs, train, marker=".", label="training")
        ax.plot(epochs, held_out, marker=".", label="held out")
        ax.axvline(best_epoch, color="gray", linestyle=":", label="chosen")
        ax.set(title=title, xlabel="epoch")
        ax.legend()
    _save(figure, path)


def plot_learning_curve(path: Path, points: Sequence[tuple[int, float, float]]) -> None:
    """Accuracies, 0..1, over numbers of pictures, with bands of two standard errors: (pictures, accuracy, error)."""
    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    pictures, accuracy, error = (np.array(each) for each in zip(*points, strict=True))
    ax.fill_between(pictures, accuracy - 2 * error, np.minimum(1, accuracy + 2 * error), alpha=0.2)
    ax.plot(pictures, accuracy, marker="o")
    ax.set(xlabel="pictures learned from", ylabel="right, of pictures not learned", xlim=(0, None))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    _save(figure, path)


def plot_confusion(path: Path, confusion: list[list[int]], labels: Sequence[str]) -> None:
    """The confusion matrix, each row as shares of its true class, with the counts written in."""
    counts = np.array(confusion)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    side = min(max(5.0, 0.7 * len(labels) + 2), MOST_INCHES)
    figure, ax = plt.subplots(figsize=(side, side), layout="constrained")
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = drawable(labels)
    ax.set_xticks(range(len(labels)), names, rotation=60, ha="right")
    ax.set_yticks(range(len(labels)), names)
    ax.set(xlabel="predicted", ylabel="true")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if shares[row, column] > 0.5 else "black"
            ax.text(column, row, str(count), ha="center", va="center", color=color, fontsize=8)
    _save(figure, path)


def plot_samples(
    path: Path, images: NDArray[np.uint8], captions: Sequence[str], wrong: Sequence[bool], title: str
) -> None:
    """A page of pictures, uint8 [n, h, w, 1 or 3 red-green-blue], with captions; those that are wrong in red.

    It has as many rows as the pictures fill, `GRID` at most; without any it is the title alone.
    """
    columns = GRID[1]
    rows = min(GRID[0], math.ceil(len(images) / columns))
    figure = plt.figure(figsize=(columns * 1.5, rows * 1.75 + 0.5), layout="constrained")
    figure.suptitle(drawable([title])[0])
    for place, (image, caption, is_wrong) in enumerate(zip(images, captions, wrong, strict=True)):
        if place == rows * columns:
            break
        ax = figure.add_subplot(rows, columns, place + 1)
        ax.axis("off")
        ax.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
        ax.set_title(drawable([caption])[0], fontsize=7, color="firebrick" if is_wrong else "black")
    _save(figure, path)


def plot_lines(
    path: Path,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    marks: Mapping[str, Mapping[str, tuple[float, float]]],
    axes: tuple[str, str],
) -> None:
    """Lines through points by name, with named marks on each, over two axes of shares in percent, from 0."""
    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, points in lines.items():
        (line,) = ax.plot(*zip(*points, strict=True), label=drawable([name])[0])
        for point, names in _at_one_point(marks.get(name, {})).items():
            ax.plot(*point, marker="o", color=line.get_color())
            ax.annotate(", ".join(names), point, xytext=(-6, 6), textcoords="offset points", ha="right", fontsize=8)
    ax.set(xlabel=axes[0], ylabel=axes[1], xlim=(0, 1.02))
    ax.set_ylim(bottom=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    ax.legend()
    _save(figure, path)


def _at_one_point(marks: Mapping[str, tuple[float, float]]) -> dict[tuple[float, float], list[str]]:
    """The marks' names by their points, those together that would be written over each other."""
    places: dict[tuple[float, float], list[str]] = {}
    for name, point in marks.items():
        near = next((place for place in places if abs(place[0] - point[0]) < NEAR), point)
        places.setdefault(near, []).append(name)
    return places


def drawable(texts: Sequence[str]) -> list[str]:
    """The texts with each character that no font at hand can draw as its number in Unicode: `U+82F9`."""
    known = _known_characters()
    return ["".join(c if ord(c) in known or c == "\n" else f"U+{ord(c):X}" for c in text) for text in texts]


@cache
def _known_characters() -> frozenset[int]:
    fonts = [get_font(fontManager.findfont(family)) for family in matplotlib.rcParams["font.family"]]
    return frozenset[int]().union(*(font.get_charmap() for font in fonts))


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)

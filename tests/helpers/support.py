"""Helpers that several test files share."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fedge.data import fashion_mnist


@dataclass(frozen=True)
class Finished:
    """A finished command: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as one JSON value."""
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        """Standard output as one JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def fedge(*arguments: object, cwd: Path | None = None, timeout: float = 600, **environment: str) -> Finished:
    """Runs `fedge ARGUMENTS` as a process of its own."""
    import os

    done = subprocess.run(
        [sys.executable, "-m", "fedge", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=timeout,
        env={**os.environ, **environment},
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def one_line_error(finished: Finished) -> str:
    """The command's error, which must be exactly one line on standard error and nothing on standard output."""
    assert finished.out == ""
    lines = finished.err.strip().splitlines()
    assert len(lines) == 1, finished.err
    assert lines[0].startswith("fedge: ")
    return lines[0]


def write_class_folders(root: Path, classes: list[str], per_class: int, split: str = "test", start: int = 0) -> Path:
    """Writes Fashion-MNIST pictures as 32x32 colour PNG files, a folder per class."""
    pictures, labels = fashion_mnist.load(split)
    for name in classes:
        folder = root / name.replace("/", "-")
        folder.mkdir(parents=True)
        index = fashion_mnist.LABELS.index(name)
        for i in np.flatnonzero(labels == index)[start : start + per_class]:
            colored = cv2.applyColorMap(cv2.resize(pictures[i], (32, 32)), cv2.COLORMAP_BONE)
            cv2.imwrite(str(folder / f"{i:05d}.png"), colored)
    return root

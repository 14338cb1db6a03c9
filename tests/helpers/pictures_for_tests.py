"""Synthetic pictures and videos: smooth shapes and a little noise, as a room gives."""

from pathlib import Path

import cv2
import numpy as np

from fedge.images.picture import Picture


def scene(number: int, width: int = 640, height: int = 480) -> Picture:
    """uint8, [height, width, 3]; another one for each number."""
    generator = np.random.default_rng(number)
    coarse = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    smooth = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    return np.asarray(np.clip(smooth + generator.normal(0, 4, smooth.shape), 0, 255), dtype=np.uint8)


def garment(sleeves: bool, number: int = 0, width: int = 640, height: int = 480) -> Picture:
    """A bright shape on black: a dress-like bar, or with sleeves; the number moves its noise."""
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    cv2.rectangle(picture, (width * 2 // 5, height // 10), (width * 3 // 5, height * 9 // 10), (200, 200, 200), -1)
    if sleeves:
        cv2.rectangle(picture, (width // 5, height // 10), (width * 4 // 5, height * 2 // 5), (180, 180, 180), -1)
    noise = np.random.default_rng(number).integers(0, 6, picture.shape, dtype=np.uint8)
    return picture + noise


def jpeg(picture: Picture) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


def write_video(path: Path, frames: int, codec: str = "MJPG", fps: float = 25.0) -> Path:
    """A 640x480 video of one picture that wanders to the right."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (640, 480))
    still = scene(0)
    for number in range(frames):
        writer.write(np.roll(still, 3 * number, axis=1))
    writer.release()
    return path


def room(number: int, width: int = 640, height: int = 480) -> Picture:
    """Sharp and well lit: boxes of many colours in a room; another one for each number."""
    generator = np.random.default_rng(number)
    picture = scene(number, width, height) // 2 + 60
    for _ in range(25):
        left, top = int(generator.integers(0, width)), int(generator.integers(0, height))
        color = tuple(map(int, generator.integers(20, 230, 3)))
        cv2.rectangle(picture, (left, top), (left + width // 6, top + height // 6), color, -1)
    return picture

"""`fedge bench`: how long each stage takes on this machine, and how much memory."""

import platform
import resource
from collections.abc import Callable
from time import perf_counter
from typing import Any

import cv2
import numpy as np

from fedge.classifier import Classifier
from fedge.preprocess import Picture, apply
from fedge.runtime import runtime_name

WIDTH, HEIGHT = 640, 480
WARM_UP = 20
PERCENTILES = (50, 95, 99)


def bench(classifier: Classifier, frames: int) -> dict[str, Any]:
    """Times each stage, in milliseconds, over `frames` repetitions on a synthetic 640x480 JPEG frame."""
    picture = _synthetic_frame()
    encoded = cv2.imencode(".jpg", picture)[1]
    recipe = classifier.model.manifest.preprocessing
    image = apply(recipe, picture)

    def decode() -> Picture:
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)

    stages: dict[str, Callable[[], object]] = {
        "decode": decode,
        "preprocess": lambda: apply(recipe, picture),
        "invoke": lambda: classifier.logits(image),
        "whole": lambda: classifier.classify(decode()),
    }
    timings = {name: _percentiles(stage, frames) for name, stage in stages.items()}
    return {
        "stages_ms": timings,
        "frames_per_second": 1e3 / timings["whole"]["mean"],
        "frames": frames,
        "frame": [WIDTH, HEIGHT],
        "rss_mb": resident_bytes() / 1e6,
        "runtime": runtime_name(),
        "machine": platform.machine(),
    }


def resident_bytes() -> int:
    """This process's resident memory in bytes, from /proc."""
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[1])
    return pages * resource.getpagesize()


def describe_bench(report: dict[str, Any]) -> str:
    """A benchmark's report as text."""
    lines = [f"{'ms':<12}" + "".join(f"{f'p{p}':>9}" for p in PERCENTILES) + f"{'mean':>9}"]
    for stage, row in report["stages_ms"].items():
        lines.append(f"{stage:<12}" + "".join(f"{row[f'p{p}']:9.3f}" for p in PERCENTILES) + f"{row['mean']:9.3f}")
    lines.append(
        f"{report['frames_per_second']:.0f} frames/s of {WIDTH}x{HEIGHT} JPEG on one core, {report['rss_mb']:.0f} MB, "
        f"{report['runtime']} on {report['machine']}"
    )
    return "\n".join(lines)


def _percentiles(stage: Callable[[], object], count: int) -> dict[str, float]:
    for _ in range(min(WARM_UP, count)):
        stage()
    times = np.empty(count)
    for i in range(count):
        started = perf_counter()
        stage()
        times[i] = (perf_counter() - started) * 1e3
    return {f"p{p}": float(np.percentile(times, p)) for p in PERCENTILES} | {"mean": float(times.mean())}


def _synthetic_frame() -> Picture:
    # Smooth shapes and a little noise compress like a room does; flat or random frames decode far faster or slower.
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    smooth = np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))
    noise = generator.normal(0, 4, smooth.shape)
    return np.asarray(np.clip(smooth + noise, 0, 255), dtype=np.uint8)

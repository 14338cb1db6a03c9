"""`fedge bench`: how long each stage takes on this machine, and how much memory."""

import platform
import resource
from array import array
from collections.abc import Callable
from time import perf_counter
from typing import Any

import cv2
import numpy as np

from fedge.images.picture import Picture, as_jpeg
from fedge.images.preprocess import apply
from fedge.model.classifier import Classifier, load
from fedge.model.interpreter import runtime_name
from fedge.sources.view import View
from fedge.system.throttling import throttling

WIDTH, HEIGHT = 640, 480
WARM_UP = 20
PERCENTILES = (50, 95, 99)
_SECONDS_BETWEEN_LOOKS = 5.0


def bench(model: str | None, frames: int, seconds: float | None = None) -> dict[str, Any]:
    """Times a model, a path or a shipped model's name; with `seconds`, also how it bears going on for so long."""
    classifier = load(model)
    report = time_stages(classifier, frames)
    if seconds is not None:
        report["sustained"] = sustained(classifier, seconds)
    return report


def time_stages(classifier: Classifier, frames: int) -> dict[str, Any]:
    """Times each stage, in milliseconds, over `frames` repetitions on a synthetic 640x480 JPEG frame."""
    decode = _decoder(classifier)
    recipe = classifier.model.manifest.preprocessing
    picture = decode()
    image = apply(recipe, picture)
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


def sustained(classifier: Classifier, seconds: float) -> dict[str, Any]:
    """Decodes and classifies for `seconds`: milliseconds per frame, and whether it slows down.

    `last_over_first` is the rate of the last tenth of the time over that of the first; `throttling` names what slowed a
    Raspberry Pi down at any look, and is None where the machine does not say.
    """
    decode = _decoder(classifier)
    times, ends = array("d"), array("d")
    flags: set[str] | None = None
    started = looked = perf_counter()
    end = started + seconds
    first = True
    while (begun := perf_counter()) < end:
        classifier.classify(decode())
        done = perf_counter()
        times.append((done - begun) * 1e3)
        ends.append(done - started)
        if first or done - looked >= _SECONDS_BETWEEN_LOOKS:
            first, looked = False, done
            flags = _look(flags)
    flags = _look(flags)
    stamps = np.asarray(ends)
    head, tail = int((stamps <= seconds / 10).sum()), int((stamps > seconds * 9 / 10).sum())
    return {
        "seconds": seconds,
        "frames": len(times),
        "frames_per_second": len(times) / seconds,
        "whole_ms": {f"p{p}": float(np.percentile(times, p)) for p in PERCENTILES},
        "last_over_first": tail / head if head else None,
        "throttling": None if flags is None else sorted(flags),
        "rss_mb": resident_bytes() / 1e6,
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
    if "sustained" in report:
        lines.append(_describe_sustained(report["sustained"]))
    return "\n".join(lines)


def _describe_sustained(report: dict[str, Any]) -> str:
    flags = report["throttling"]
    heat = "no vcgencmd here" if flags is None else ", ".join(flags) or "not throttled"
    ratio = report["last_over_first"]
    trend = "" if ratio is None else f", the last tenth at {ratio:.2f} of the first's rate"
    return (
        f"{report['seconds']:g} s: {report['frames_per_second']:.0f} frames/s, p99 {report['whole_ms']['p99']:.3f} ms"
        f"{trend}; {heat}; {report['rss_mb']:.0f} MB"
    )


def _look(seen: set[str] | None) -> set[str] | None:
    flags = throttling()
    return seen if flags is None else (seen or set()) | set(flags)


def _decoder(classifier: Classifier) -> Callable[[], Picture]:
    encoded = as_jpeg(_synthetic_frame())
    view = View(recipe=classifier.model.manifest.preprocessing)

    def decode() -> Picture:
        picture = view.decode(encoded, WIDTH, HEIGHT)
        assert picture is not None
        return picture

    return decode


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

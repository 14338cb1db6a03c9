"""`fedge bench`: how long each stage takes on this machine, and how much memory."""

import platform
import resource
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import cv2
import numpy as np

from fedge.images.picture import Picture, as_jpeg
from fedge.images.preprocess import apply, find_object
from fedge.model.classifier import Classifier, load
from fedge.model.format.schema import to_json
from fedge.model.interpreter import runtime_name
from fedge.options import WhenOptions
from fedge.runner.motion import Gate
from fedge.sources.base import Frame
from fedge.sources.view import View
from fedge.system.json_types import JsonObject
from fedge.system.machine import throttling

WIDTH, HEIGHT = 640, 480
WARM_UP = 20
PERCENTILES = (50, 95, 99)
_SECONDS_BETWEEN_SAMPLES = 5.0


@dataclass(frozen=True)
class Percentiles:
    """Percentiles of durations, in milliseconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class StageTimes(Percentiles):
    """The same, and their mean."""

    mean: float


@dataclass(frozen=True)
class SustainedReport:
    """How a model does over `seconds`.

    Attributes:
        whole_ms: of decoding and classifying a frame.
        last_over_first: the rate of the last tenth of the time over that of the first; None without a frame in that.
        throttling: what slowed a Raspberry Pi down in any sample; None where the machine does not say.
        rss_mb: resident memory at the end, in megabytes.
    """

    seconds: float
    frames: int
    frames_per_second: float
    whole_ms: Percentiles
    last_over_first: float | None
    throttling: tuple[str, ...] | None
    rss_mb: float


@dataclass(frozen=True)
class BenchReport:
    """How long each stage takes.

    Attributes:
        stages_ms: of `decode`, `preprocess`, `invoke`, and all three as `whole`; of `cut_out`, the part of `preprocess`
            that finds the object, where the model has it cut out; and of `motion`, which alone follows `decode` where
            `--when motion` sees a still scene.
        frames_per_second: by the mean of `whole`.
        frames: how often each stage was timed.
        frame: the frame's width and height in pixels.
        rss_mb: resident memory afterwards, in megabytes.
        runtime, machine: the interpreter, and the processor's architecture.
        sustained: None unless it was asked for.
    """

    stages_ms: dict[str, StageTimes]
    frames_per_second: float
    frames: int
    frame: tuple[int, int]
    rss_mb: float
    runtime: str
    machine: str
    sustained: SustainedReport | None = None


def bench(model: str | None, frames: int, seconds: float | None = None) -> BenchReport:
    """Times a model, a path or a shipped model's name, on a synthetic 640x480 JPEG frame.

    Args:
        model: the model.
        frames: how often each stage is timed.
        seconds: for how long to go on afterwards, to see whether it slows down; None: not at all.
    """
    classifier = load(model)
    decode = _decoder(classifier)
    recipe = classifier.model.manifest.preprocessing
    picture = decode()
    image = apply(recipe, picture)
    gate, frame = Gate(WhenOptions(motion=True), 0.0), Frame(picture, "bench")
    stages: dict[str, Callable[[], object]] = {
        "decode": decode,
        "preprocess": lambda: apply(recipe, picture),
        "cut_out": lambda: find_object(recipe, picture),
        "invoke": lambda: classifier.logits(image),
        "whole": lambda: classifier.classify(decode()),
        "motion": lambda: gate.is_open(frame),
    }
    if recipe.cut_out is None:
        del stages["cut_out"]
    timings = {name: _time(stage, frames) for name, stage in stages.items()}
    return BenchReport(
        stages_ms=timings,
        frames_per_second=1e3 / timings["whole"].mean,
        frames=frames,
        frame=(WIDTH, HEIGHT),
        rss_mb=resident_bytes() / 1e6,
        runtime=runtime_name(),
        machine=platform.machine(),
        sustained=None if seconds is None else sustained(classifier, seconds),
    )


def sustained(classifier: Classifier, seconds: float) -> SustainedReport:
    """Decodes and classifies for `seconds`: milliseconds per frame, and whether it slows down."""
    decode = _decoder(classifier)
    times, ends = array("d"), array("d")
    flags: set[str] | None = None
    started = sampled = perf_counter()
    end = started + seconds
    first = True
    while (begun := perf_counter()) < end:
        classifier.classify(decode())
        done = perf_counter()
        times.append((done - begun) * 1e3)
        ends.append(done - started)
        if first or done - sampled >= _SECONDS_BETWEEN_SAMPLES:
            first, sampled = False, done
            flags = _sample_throttling(flags)
    flags = _sample_throttling(flags)
    stamps = np.asarray(ends)
    head, tail = int((stamps <= seconds / 10).sum()), int((stamps > seconds * 9 / 10).sum())
    return SustainedReport(
        seconds=seconds,
        frames=len(times),
        frames_per_second=len(times) / seconds,
        whole_ms=Percentiles(*(float(np.percentile(times, p)) for p in PERCENTILES)),
        last_over_first=tail / head if head else None,
        throttling=None if flags is None else tuple(sorted(flags)),
        rss_mb=resident_bytes() / 1e6,
    )


def resident_bytes() -> int:
    """This process's resident memory in bytes, from /proc."""
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[1])
    return pages * resource.getpagesize()


def as_text(report: BenchReport) -> str:
    """The report for people: a line per stage, the rate, and what came of going on."""
    lines = [f"{'ms':<12}" + "".join(f"{f'p{p}':>9}" for p in PERCENTILES) + f"{'mean':>9}"]
    for stage, times in report.stages_ms.items():
        lines.append(f"{stage:<12}{times.p50:9.3f}{times.p95:9.3f}{times.p99:9.3f}{times.mean:9.3f}")
    lines.append(
        f"{report.frames_per_second:.0f} frames/s of {WIDTH}x{HEIGHT} JPEG on one core, {report.rss_mb:.0f} MB, "
        f"{report.runtime} on {report.machine}"
    )
    if report.sustained is not None:
        lines.append(_sustained_as_text(report.sustained))
    return "\n".join(lines)


def as_json(report: BenchReport) -> JsonObject:
    """The fields of `BenchReport`; `sustained` only where it was asked for."""
    fields = to_json(report)
    if report.sustained is None:
        del fields["sustained"]
    return fields


def _sustained_as_text(report: SustainedReport) -> str:
    flags, ratio = report.throttling, report.last_over_first
    heat = "no vcgencmd here" if flags is None else ", ".join(flags) or "not throttled"
    trend = "" if ratio is None else f", the last tenth at {ratio:.2f} of the first's rate"
    return (
        f"{report.seconds:g} s: {report.frames_per_second:.0f} frames/s, p99 {report.whole_ms.p99:.3f} ms"
        f"{trend}; {heat}; {report.rss_mb:.0f} MB"
    )


def _sample_throttling(seen: set[str] | None) -> set[str] | None:
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


def _time(stage: Callable[[], object], count: int) -> StageTimes:
    for _ in range(min(WARM_UP, count)):
        stage()
    times = np.empty(count)
    for i in range(count):
        started = perf_counter()
        stage()
        times[i] = (perf_counter() - started) * 1e3
    p50, p95, p99 = (float(np.percentile(times, p)) for p in PERCENTILES)
    return StageTimes(p50, p95, p99, float(times.mean()))


def _synthetic_frame() -> Picture:
    # Smooth shapes and a little noise compress like a room does; flat or random frames decode far faster or slower.
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    smooth = np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))
    noise = generator.normal(0, 4, smooth.shape)
    return np.asarray(np.clip(smooth + noise, 0, 255), dtype=np.uint8)

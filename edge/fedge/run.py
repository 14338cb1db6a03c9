"""The `fedge run` command's work."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from fedge.classifier import Classifier, load
from fedge.decisions import ENTER, LEAVE, WINDOW_SECONDS, Decider
from fedge.health import Health
from fedge.outputs.choose import OutputOptions, open_outputs
from fedge.outputs.faults import Faults
from fedge.outputs.hub import Hub
from fedge.outputs.json_lines import JsonLines
from fedge.outputs.terminal import terminal
from fedge.recording import Recorder, recorded
from fedge.runner import classify_frames, show
from fedge.shipped import DEFAULT
from fedge.sources.choose import open_camera, open_source
from fedge.sources.frame import Source
from fedge.sources.live import FaultLimits
from fedge.sources.video import CaptureOptions


@dataclass(frozen=True)
class DecisionOptions:
    """How answers become a decision; see `Decider`. `window_seconds` None: 1 s for what moves, 0 for pictures."""

    window_seconds: float | None = None
    enter: float = ENTER
    leave: float = LEAVE


@dataclass(frozen=True)
class RecordOptions:
    """Where frames and decisions are recorded, and how many bytes of them are kept."""

    folder: Path
    limit_bytes: int


@dataclass(frozen=True)
class RunOptions:
    """What the user asked for: a `source`, or without one the camera `device` (None: the first that works)."""

    model: str | None
    device: str | None
    source: str | None
    frames: int | None
    as_json: bool
    capture: CaptureOptions = field(default_factory=CaptureOptions)
    limits: FaultLimits = field(default_factory=FaultLimits)
    decision: DecisionOptions = field(default_factory=DecisionOptions)
    record: RecordOptions | None = None
    outputs: OutputOptions = field(default_factory=OutputOptions)


def run(options: RunOptions) -> int:
    """Classifies until the source ends, `frames` are done, or SIGTERM; Ctrl-C closes the source and goes on up."""
    with _until_terminated(), contextlib.ExitStack() as stack:
        classifier = load(options.model)
        health = Health()
        source = _open(options, classifier, health)
        decider = _decider(options.decision, classifier, source)
        standard = JsonLines() if options.as_json else terminal(source.live)
        sink = Hub([standard, Faults(), *open_outputs(options.outputs, classifier, health)], health, source.live)
        stack.callback(sink.close)
        stack.callback(lambda: sink.health(health.snapshot()))
        stack.callback(health.set_state, "stopped")
        results = stack.enter_context(contextlib.closing(classify_frames(classifier, source, decider, health)))
        if options.record:
            recorder = _recorder(options.record, options, classifier, decider, health, wait=not source.live)
            stack.callback(recorder.close)
            results = recorded(results, recorder, decider)
        try:
            show(results, sink, health, options.frames)
        except BrokenPipeError:
            # Whoever read the answers has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _open(options: RunOptions, classifier: Classifier, health: Health) -> Source:
    view = replace(options.capture.view, recipe=classifier.model.manifest.preprocessing)
    capture = replace(options.capture, view=view)
    if options.source is not None:
        return open_source(options.source, capture, health, options.limits)
    return open_camera(options.device, capture, health, options.limits)


def _decider(options: DecisionOptions, classifier: Classifier, source: Source) -> Decider:
    window = options.window_seconds
    if window is None:
        window = WINDOW_SECONDS if source.moving else 0.0
    return Decider(classifier.labels, window, options.enter, options.leave)


def _recorder(
    record: RecordOptions, options: RunOptions, classifier: Classifier, decider: Decider, health: Health, wait: bool
) -> Recorder:
    model = options.model or DEFAULT
    facts = {
        "model": str(Path(model).resolve()) if Path(model).is_file() else model,
        "network": classifier.model.manifest.flatbuffer.sha256,
        "decisions": decider.options(),
    }
    return Recorder(record.folder, record.limit_bytes, facts, decider.state(), health, wait)


class _Terminated(BaseException):
    """SIGTERM asked for an end."""


def _stop(number: int, frame: FrameType | None) -> None:
    # What closes things down now must not be cut off by a second signal.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Terminated


@contextlib.contextmanager
def _until_terminated() -> Iterator[None]:
    previous = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    except _Terminated:
        pass
    finally:
        signal.signal(signal.SIGTERM, previous)

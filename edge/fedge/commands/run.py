"""The `fedge run` command's work."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import cv2

from fedge.errors import SourceError
from fedge.images.background import Background, load_background, require_writable, save_background
from fedge.model.classifier import Classifier, load
from fedge.model.shipped import find_model, is_shipped
from fedge.options import WINDOW_SECONDS, DecisionOptions, RecordOptions, RunOptions
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.factory import Run, open_outputs
from fedge.outputs.files.json_lines import JsonLines
from fedge.outputs.screen.faults import Faults
from fedge.outputs.screen.terminal import terminal
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.loop import classify_frames, show
from fedge.runner.recording import Recorder, recorded
from fedge.sources.base import Source
from fedge.sources.factory import open_asked
from fedge.sources.learn_background import BackgroundLearner
from fedge.system.console import echo, stop_writing
from fedge.system.memory import return_freed_memory

LEARN = "learn"


def run(options: RunOptions) -> int:
    """Classifies until the source ends, `frames` are done, or SIGTERM; Ctrl-C closes the source and goes on up."""
    return_freed_memory()
    with _until_terminated(), contextlib.ExitStack() as stack:
        # On pictures of a camera's size, handing work to a second thread takes longer than the work.
        cv2.setNumThreads(1)
        classifier = load(options.model, options.reject)
        parity = classifier.model.manifest.parity
        if parity is None or parity.proof == "none":
            echo(f"{classifier.model.manifest.name} is unproved: nothing showed that int8 lost no accuracy")
        health = Health()
        source = _open(options, classifier, health)
        stack.callback(source.close)
        if options.background is not None:
            source = _with_background(options.background, classifier, source)
        decider = _decider(options.decision, classifier, source)
        standard = JsonLines() if options.as_json else terminal(source.live, show_input=options.show_input)
        recipe = classifier.model.manifest.preprocessing
        outputs = open_outputs(options.outputs, Run(classifier.labels, recipe, health))
        sink = Hub([standard, Faults(), *outputs], health, source.live)
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
            stop_writing(sys.stdout)
    return 0


def _open(options: RunOptions, classifier: Classifier, health: Health) -> Source:
    # People who look or label want colour and size; the network alone needs neither.
    looked_at = any(output.looks for output in options.outputs)
    recipe = None if looked_at else classifier.model.manifest.preprocessing
    return open_asked(options.source, options.device, options.camera, recipe, health, options.limits)


def _with_background(text: str, classifier: Classifier, source: Source) -> Source:
    """The source, with the empty scene loaded, or learned from its first frames and kept where a file was named."""
    if classifier.model.manifest.preprocessing.cut_out is None:
        raise SourceError(
            "this model does not cut objects out", "leave --background out, or train with --subject cut-out"
        )
    path = None if text == LEARN else Path(text)
    classifier.background = None if path is None else load_background(path)
    if classifier.background is not None:
        return source

    def learned(background: Background) -> None:
        classifier.background = background
        if path is not None:
            save_background(background, path)

    learning = BackgroundLearner(source, learned)
    if path is not None:
        # Who has cleared the scene should not hear only then that it cannot be kept.
        require_writable(path)
    return learning


def _decider(options: DecisionOptions, classifier: Classifier, source: Source) -> Decider:
    window = options.window_seconds
    if window is None:
        window = WINDOW_SECONDS if source.moving else 0.0
    return Decider(classifier.labels, window, options.enter, options.leave)


def _recorder(
    record: RecordOptions, options: RunOptions, classifier: Classifier, decider: Decider, health: Health, wait: bool
) -> Recorder:
    path = find_model(options.model)
    facts = {
        "model": path.stem if is_shipped(path) else str(path.resolve()),
        "network": classifier.model.manifest.flatbuffer.sha256,
        "reject": classifier.reject,
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

"""The `fedge run` command's work."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

import cv2

from fedge.commands.run.parts import load_said, open_sink, place, watch
from fedge.commands.run.sources import open_source, with_background
from fedge.model.classifier import Classifier
from fedge.model.shipped import find_model, is_shipped
from fedge.options import RecordOptions, Region, RunOptions
from fedge.outputs.factory import Run
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.loop import Watched, classify_regions, show
from fedge.runner.model_facts import model_facts
from fedge.runner.recording import Recorder, recorded
from fedge.sources.base import Source
from fedge.store.store import Store
from fedge.system.console import echo, stop_writing
from fedge.system.json_types import JsonObject
from fedge.system.memory import return_freed_memory
from fedge.system.state import store_folder

if TYPE_CHECKING:
    from fedge.runner.swap import Swapper


def run(options: RunOptions) -> int:
    """Classifies until the source ends, `frames` are done, or SIGTERM; Ctrl-C closes the source and goes on up."""
    return_freed_memory()
    # On pictures of a camera's size, handing work to a second thread takes longer than the work.
    cv2.setNumThreads(1)
    with _until_terminated():
        if options.cameras:
            from fedge.commands.run.cameras import run_cameras

            run_cameras(options)
            return 0
        while _run_model(options):
            pass
    return 0


def _run_model(options: RunOptions) -> bool:
    """Runs with one model, or with those that can take its place; gives whether another one has to be started."""
    with contextlib.ExitStack() as stack:
        classifier = load_said(options.model, options.reject)
        health = Health()
        source = open_source(options, classifier, health)
        stack.callback(source.close)
        if options.background is not None:
            source = with_background(options.background, classifier, source)
        watched = _watched(options, classifier, source)
        recipe = classifier.model.manifest.preprocessing
        health.set_model(model_facts(find_model(options.model), classifier))
        swapper: Swapper | None = None

        def running() -> Classifier:
            return classifier if swapper is None else swapper.running

        store = _followed(options, source)
        names = tuple(region.name for region in options.regions)
        facts = Run(classifier.labels, recipe, health, source.moving, running, options.decision, store, names)
        sink = open_sink(stack, options, facts, classifier.model.manifest.name, place(options), source.live)
        swapper = None if store is None else _swapper(store, options, classifier, health)
        if swapper is not None:
            stack.callback(swapper.close)
        frames = classify_regions(source, watched, health, swapper)
        results = stack.enter_context(contextlib.closing(frames))
        if options.record:
            # A recording is of all of the picture: with it there are no regions.
            decider = watched[0].decider
            recorder = _recorder(options.record, options, classifier, decider, health, wait=not source.live)
            stack.callback(recorder.close)
            results = recorded(results, recorder, decider)
        try:
            # Each frame gives a result for each that is watched.
            limit = None if options.frames is None else options.frames * len(watched)
            show(results, sink, health, limit)
        except BrokenPipeError:
            stop_writing(sys.stdout)
        return swapper is not None and swapper.must_restart


def _watched(options: RunOptions, classifier: Classifier, source: Source) -> list[Watched]:
    """What is known at the start of each region, or of all of the picture: nothing."""
    regions: list[Region | None] = [*options.regions] or [None]
    return [
        watch(classifier, options.decision, options.when, source, region, region.name if region else "")
        for region in regions
    ]


def _followed(options: RunOptions, source: Source) -> Store | None:
    """The store whose current model is followed: by a run from a camera that names no model, and is not recorded.

    A recording belongs to one model, and so does a count of frames. Files that are played like a camera, without an end
    and no faster than they were recorded, are as good as one.
    """
    is_endless = source.live or (options.playback.loop and options.playback.realtime)
    if options.model is not None or not is_endless or options.record is not None or options.frames is not None:
        return None
    return Store(store_folder())


def _swapper(store: Store, options: RunOptions, classifier: Classifier, health: Health) -> "Swapper":
    from fedge.runner.swap import Swapper

    swapper = Swapper(store, classifier, health, options.swap, echo)
    if os.environ.get("NOTIFY_SOCKET"):
        # Elsewhere it is a terminal that closes.
        signal.signal(signal.SIGHUP, lambda number, frame: swapper.look_now())
    return swapper


def _recorder(
    record: RecordOptions, options: RunOptions, classifier: Classifier, decider: Decider, health: Health, wait: bool
) -> Recorder:
    path = find_model(options.model)
    facts: JsonObject = {
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

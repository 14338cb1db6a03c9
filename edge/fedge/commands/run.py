"""The `fedge run` command's work."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import cv2

from fedge.errors import SourceError
from fedge.images.background import Background, load_background, require_writable, save_background
from fedge.images.preprocess import Recipe
from fedge.model.classifier import Classifier, load
from fedge.model.description import doubt
from fedge.model.shipped import find_model, is_shipped
from fedge.options import WINDOW_SECONDS, DecisionOptions, RecordOptions, Region, RunOptions
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.factory import Run, open_outputs
from fedge.outputs.files.json_lines import JsonLines
from fedge.outputs.screen.faults import Faults
from fedge.outputs.screen.summary import Summary, opening
from fedge.outputs.screen.terminal import terminal
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.loop import Watched, classify_regions, show
from fedge.runner.model_facts import model_facts
from fedge.runner.motion import Gate
from fedge.runner.recording import Recorder, recorded
from fedge.sources.address import display_name
from fedge.sources.base import Monitor, Source
from fedge.sources.factory import open_asked
from fedge.sources.learn_background import BackgroundLearner
from fedge.store.store import Store
from fedge.system.console import echo, stop_writing
from fedge.system.json_types import JsonObject
from fedge.system.memory import return_freed_memory
from fedge.system.state import store_folder

if TYPE_CHECKING:
    from fedge.runner.swap import Swapper

LEARN = "learn"


def run(options: RunOptions) -> int:
    """Classifies until the source ends, `frames` are done, or SIGTERM; Ctrl-C closes the source and goes on up."""
    return_freed_memory()
    # On pictures of a camera's size, handing work to a second thread takes longer than the work.
    cv2.setNumThreads(1)
    with _until_terminated():
        while _run_model(options):
            pass
    return 0


def _run_model(options: RunOptions) -> bool:
    """Runs with one model, or with those that can take its place; gives whether another one has to be started."""
    with contextlib.ExitStack() as stack:
        classifier = load(options.model, options.reject)
        if unproved := doubt(classifier.model.manifest):
            echo(unproved)
        health = Health()
        source = open_source(options, classifier, health)
        stack.callback(source.close)
        if options.background is not None:
            source = _with_background(options.background, classifier, source)
        watched = _watched(options, classifier, source)
        standard = JsonLines() if options.as_json else terminal(source.live, show_input=options.show_input)
        recipe = classifier.model.manifest.preprocessing
        health.set_model(model_facts(find_model(options.model), classifier))
        swapper: Swapper | None = None

        def running() -> Classifier:
            return classifier if swapper is None else swapper.running

        store = _followed(options, source)
        names = tuple(region.name for region in options.regions)
        facts = Run(classifier.labels, recipe, health, source.moving, running, options.decision, store, names)
        outputs = open_outputs(options.outputs, facts)
        people = sys.stderr is not None and sys.stderr.isatty() and not options.as_json
        if people:
            asked = display_name(options.source or options.device or "the first camera that works")
            for line in opening(classifier.model.manifest.name, classifier.labels, recipe, asked, source.live):
                echo(line)
        sink = Hub([standard, Faults(), *outputs, *([Summary()] if people else [])], health, source.live)
        stack.callback(sink.close)
        stack.callback(lambda: sink.health(health.snapshot()))
        stack.callback(health.set_state, "stopped")
        swapper = None if store is None else _swapper(store, options, classifier, health)
        if swapper is not None:
            stack.callback(swapper.close)
        frames = classify_regions(classifier, source, watched, health, swapper)
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
    deciders = [_decider(options.decision, classifier, source) for _ in regions]
    return [
        Watched(region, decider, Gate(options.when, decider.options()["window_seconds"]))
        for region, decider in zip(regions, deciders, strict=True)
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


def open_source(options: RunOptions, classifier: Classifier, health: Health) -> Source:
    """The source asked for; gray and reduced to what the network needs where nobody else wants its pictures."""
    # People who look or label want colour and size; the network alone needs neither.
    looked_at = any(output.shows_pictures for output in options.outputs)
    # A picture that is reduced for the whole of it would leave too little for its parts.
    recipe = None if looked_at or options.regions else classifier.model.manifest.preprocessing
    return open_played(options, recipe, health)


def open_played(options: RunOptions, recipe: Recipe | None, monitor: Monitor) -> Source:
    """The source asked for, played as asked; raises SourceError."""
    opened = partial(open_asked, options.source, options.device, options.camera, recipe, monitor, options.limits)
    playback = options.playback
    if not (playback.loop or playback.realtime):
        return opened()
    from fedge.sources.playback import Playback

    return Playback(opened, playback.loop, playback.realtime)


def require_background_fits(background: str | None, recipe: Recipe) -> None:
    """Raises SourceError for a background that a model is given which cuts nothing out."""
    if background is not None and recipe.cut_out is None:
        raise SourceError(
            "this model does not cut objects out", "leave --background out, or train with --subject cut-out"
        )


def _with_background(text: str, classifier: Classifier, source: Source) -> Source:
    """The source, with the empty scene loaded, or learned from its first frames and kept where a file was named."""
    require_background_fits(text, classifier.model.manifest.preprocessing)
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

"""A run of several cameras: each has its source, its classifiers and a thread; the outputs are shared."""

import contextlib
import sys
from collections.abc import Iterator

from fedge.commands.run.parts import load_said, open_sink, place, watch
from fedge.commands.run.sources import open_played
from fedge.errors import FedgeError
from fedge.model.shipped import find_model
from fedge.options import NamedCamera, RunOptions
from fedge.outputs.factory import Run
from fedge.runner.cameras import CameraHealth, Item, JoinedHealth, merged
from fedge.runner.loop import Watched, classify_regions, show
from fedge.runner.model_facts import model_facts
from fedge.runner.result import Result
from fedge.sources.base import Source
from fedge.system.console import echo, stop_writing


def run_cameras(options: RunOptions) -> None:
    """Classifies until each camera has ended or given `frames`, or until a signal. Raises FedgeError.

    A camera that fails after the start leaves the others running; its error is raised when they have ended.
    """
    cameras = options.cameras
    with contextlib.ExitStack() as stack:
        health = JoinedHealth([camera.name for camera in cameras])
        sources = [_open(camera, health.cameras[camera.name], stack) for camera in cameras]
        watched = [_watched(camera, source) for camera, source in zip(cameras, sources, strict=True)]
        first = watched[0][0].classifier
        health.set_model(model_facts(find_model(cameras[0].parts[0].model), first))
        classifiers = {part.name: part.classifier for parts in watched for part in parts}
        manifest = first.model.manifest
        moving, live = any(source.moving for source in sources), any(source.live for source in sources)
        facts = Run(
            first.labels,
            manifest.preprocessing,
            health,
            moving,
            lambda: first,
            options.decision,
            regions=tuple(classifiers),
            classifiers=classifiers,
        )
        asked = ", ".join(f"{camera.name} ({place(camera)})" for camera in cameras)
        sink = open_sink(stack, options, facts, manifest.name, asked, live)
        loops = [
            _loop(camera, source, parts, health.cameras[camera.name], options.frames)
            for camera, source, parts in zip(cameras, sources, watched, strict=True)
        ]
        results = stack.enter_context(contextlib.closing(merged(loops)))
        try:
            show(results, sink, health)
        except BrokenPipeError:
            stop_writing(sys.stdout)


def _open(camera: NamedCamera, health: CameraHealth, stack: contextlib.ExitStack) -> Source:
    source = open_played(camera, None, health)
    stack.callback(source.close)
    return source


def _watched(camera: NamedCamera, source: Source) -> list[Watched]:
    """The parts of a camera's picture; those with the same model share its classifier."""
    loaded = {(part.model, part.reject): None for part in camera.parts}
    classifiers = {key: load_said(*key) for key in loaded}
    return [
        watch(classifiers[part.model, part.reject], part.decision, part.when, source, part.region, part.name)
        for part in camera.parts
    ]


def _loop(
    camera: NamedCamera, source: Source, watched: list[Watched], health: CameraHealth, frames: int | None
) -> Iterator[Item]:
    """A camera's results and faults, those of `frames` frames or all."""
    left = None if frames is None else frames * len(watched)
    try:
        with contextlib.closing(classify_regions(source, watched, health)) as items:
            for item in items:
                yield item
                if left is not None and isinstance(item, Result):
                    left -= 1
                    if not left:
                        break
    except FedgeError as error:
        health.count_fault("source", error.what)
        health.set_state("waiting")
        echo(f"{camera.name}: {error}")
        raise
    health.set_state("stopped")

"""The `fedge run` command's work."""

import os
import signal
import sys
from dataclasses import dataclass
from itertools import islice
from types import FrameType

from fedge.classifier import load
from fedge.outputs import json_lines, people
from fedge.runner import classify_frames
from fedge.sources.choose import open_camera, open_source


@dataclass(frozen=True)
class RunOptions:
    """What the user asked for: a `source`, or without one the camera `device` (None: the first that works)."""

    model: str | None
    device: str | None
    source: str | None
    frames: int | None
    as_json: bool


def run(options: RunOptions) -> int:
    """Classifies until the source ends, `frames` are done, or SIGTERM; Ctrl-C closes the source and goes on up."""
    classifier = load(options.model)
    source = open_source(options.source) if options.source is not None else open_camera(options.device)
    output = json_lines if options.as_json else people(source.live)
    previous = signal.signal(signal.SIGTERM, _stop)
    results = classify_frames(classifier, source)
    try:
        for result in islice(results, options.frames):
            output(result)
    except BrokenPipeError:
        # Whoever read the answers has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except _Terminated:
        pass
    finally:
        results.close()
        signal.signal(signal.SIGTERM, previous)
        if source.live and not options.as_json:
            print(file=sys.stderr)
    return 0


class _Terminated(BaseException):
    """SIGTERM asked for an end."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Terminated

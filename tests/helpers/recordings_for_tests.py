"""Recordings made in tests."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pictures_for_tests import garment, scene
from waiting import eventually

from fedge.model.classifier import Classifier
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.loop import classify_frames
from fedge.runner.recording import Recorder, recorded
from fedge.runner.result import Result
from fedge.runner.segments import LINES, segments
from fedge.sources.backends.in_memory import InMemoryCamera
from fedge.system.json_types import JsonObject

# On a busy machine a picture may take longer to encode than a disk that is not stuck takes to write.
PATIENT: dict[str, Any] = {"wait": True, "stuck_seconds": 120.0}
FRAMES = 60
LARGE = 10**9


def record(
    classifier: Classifier,
    model_path: Path,
    folder: Path,
    limit_bytes: int = LARGE,
    frames: int = FRAMES,
    before_each: Callable[[int], None] = lambda number: None,
    **settings: Any,
) -> tuple[list[Result], Health]:
    """Records frames that show two things in turn, ten of each, so that the decision changes."""
    pictures = [garment(i // 10 % 2 == 0, i, 160, 120) for i in range(frames)]
    health, decider = Health(), Decider(classifier.labels, 0.005, 0.3, 0.2)
    facts: JsonObject = {
        "model": str(model_path),
        "network": classifier.model.manifest.flatbuffer.sha256,
        "reject": classifier.reject,
        "decisions": decider.options(),
    }
    recorder = Recorder(folder, limit_bytes, facts, decider.state(), health, **{**PATIENT, **settings})
    results = recorded(classify_frames(classifier, InMemoryCamera(pictures, 0.001), decider, health), recorder, decider)
    kept = []
    for item in results:
        if isinstance(item, Result):
            before_each(item.number)
            kept.append(item)
    recorder.close()
    return kept, health


def recorder_and_result(
    classifier: Classifier, folder: Path, limit_bytes: int = LARGE, **settings: Any
) -> tuple[Recorder, Result, Health]:
    """A recorder that has begun, and something to give it."""
    health, decider = Health(), Decider(classifier.labels)
    recorder = Recorder(folder, limit_bytes, {}, decider.state(), health, **{**PATIENT, **settings})
    eventually(lambda: list(folder.glob(f"*/{LINES}")))
    item = next(classify_frames(classifier, InMemoryCamera([scene(0)]), decider, health))
    assert isinstance(item, Result)
    return recorder, item, health


def kept_lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for part in segments(folder) for line in (part / LINES).read_text().splitlines()]


def pipes_for_pictures(folder: Path, count: int) -> list[Path]:
    """Pipes where the first pictures will be written, each of which takes nothing until it is read."""
    pipes = [segments(folder)[0] / f"{number:08}.png" for number in range(count)]
    for pipe in pipes:
        os.mkfifo(pipe)
    return pipes

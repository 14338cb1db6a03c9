"""What `--unsure` costs the loop: a frame's time with the ring at work, as a ratio to its time without.

Every frame is unsure. `often` looks at each of them, and keeps those of scenes that are new; `usual` looks at four a
second, and at none for a few seconds after it kept one, as by default. All are measured in turns, in one run. Run it as
`python tests/bench/unsure.py`.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, sleep

import bench_common  # noqa: F401
from pictures_for_tests import room

from fedge.images.picture import Picture
from fedge.model.classifier import Classifier, load
from fedge.options import UNSURE_MEGABYTES, UNSURE_SECONDS
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.files.unsure_frames import UnsureFrames
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.result import Result
from fedge.sources.base import Frame

ROUNDS, FRAMES = 10, 30
# At the rate of a camera, as the ring will be used; without pauses its thread would compete with the loop.
FRAME_SECONDS = 1 / 30


def main() -> None:
    """Prints a line for each."""
    classifier, health = load(None), Health()
    scenes = [room(number) for number in range(FRAMES)]
    decider = Decider(classifier.labels, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        limit = UNSURE_MEGABYTES * 1_000_000
        rings = {"often": 0.0, "usual": UNSURE_SECONDS}
        hubs = {
            name: Hub([UnsureFrames(Path(folder) / name, limit, seconds, classifier.labels)], health)
            for name, seconds in rings.items()
        }
        hubs["without"] = Hub([], health)
        times: dict[str, list[float]] = {name: [] for name in hubs}
        for _ in range(ROUNDS):
            for name, hub in hubs.items():
                times[name] += [_frame(hub, classifier, decider, scene) for scene in scenes]
        for hub in hubs.values():
            hub.close()
    without = median(times["without"])
    for name in rings:
        took = median(times[name])
        print(f"{name}: a frame takes {took * 1e3:.3f} ms, {without * 1e3:.3f} without: ratio {took / without:.3f}")


def _frame(hub: Hub, classifier: Classifier, decider: Decider, picture: Picture) -> float:
    frame = Frame(picture, "a room")
    started = perf_counter()
    answer = replace(classifier.classify(picture), label=None)
    decision = decider.update(answer.evidence, frame.moment, frame.time)
    hub.show(Result(0, frame, answer, (monotonic() - frame.captured) * 1e3, decision))
    taken = perf_counter() - started
    sleep(max(0.0, FRAME_SECONDS - taken))
    return taken


if __name__ == "__main__":
    main()

"""Frames a second of the runner over those of a bare decode loop of the same source: at least 0.95.

python tests/bench/stream_rate.py [--rounds 5] [--seconds 4]
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import cv2
from bench_common import stream_in_a_process, verdict, whole_picture_classifier
from pictures_for_tests import write_video

from fedge.model.classifier import Classifier
from fedge.options import AS_IT_COMES, FaultLimits
from fedge.runner.decisions import Decider
from fedge.runner.health import Health, HealthSnapshot
from fedge.runner.loop import classify_frames, show
from fedge.runner.result import Result
from fedge.sources.factory import open_source

LIMIT = 0.95
FRAMES = 400


class Lines:
    """JSON lines to nowhere, as `fedge run --json > /dev/null` writes them, until so many seconds have passed."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._file = seconds, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
        self.moments: list[float] = []

    def show(self, result: Result) -> None:
        self.moments.append(perf_counter())
        print(json.dumps(result.to_json()), file=self._file, flush=True)
        if self.moments[-1] - self.moments[0] >= self._seconds:
            raise StopIteration

    def health(self, snapshot: HealthSnapshot) -> None: ...

    def close(self) -> None:
        self._file.close()


def runner(source: str, classifier: Classifier, seconds: float) -> float:
    health, lines = Health(), Lines(seconds)
    recipe = classifier.model.manifest.preprocessing
    opened = open_source(source, AS_IT_COMES, health, FaultLimits(frozen_after=0), recipe)
    results = classify_frames(classifier, opened, Decider(classifier.labels), health)
    try:
        show(results, lines, health)
    except StopIteration:
        pass
    finally:
        results.close()
        lines.close()
    return (len(lines.moments) - 1) / (lines.moments[-1] - lines.moments[0])


def bare(source: str, seconds: float) -> float:
    capture = cv2.VideoCapture(source)
    moments = []
    while capture.read()[0]:
        moments.append(perf_counter())
        if moments[-1] - moments[0] >= seconds:
            break
    capture.release()
    return (len(moments) - 1) / (moments[-1] - moments[0])


def compare(name: str, source: str, classifier: Classifier, rounds: int, seconds: float) -> bool:
    pairs = [(runner(source, classifier, seconds), bare(source, seconds)) for _ in range(rounds)]
    ratios = [ours / theirs for ours, theirs in pairs]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{name}: runner {ours:.0f}, bare decode loop {theirs:.0f} frames/s")
    return verdict(f"  ratio, median of {rounds}", statistics.median(ratios), LIMIT, above=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    arguments = parser.parse_args()
    # As `fedge run` does; the bare loop needs none.
    cv2.setNumThreads(1)
    classifier = whole_picture_classifier()
    passed = True
    with tempfile.TemporaryDirectory() as folder:
        for name, codec in (("motion.avi", "MJPG"), ("video.webm", "VP90"), ("video.mp4", "mp4v")):
            video = write_video(Path(folder) / name, FRAMES, codec)
            passed &= compare(f"{name} (640x480)", str(video), classifier, arguments.rounds, arguments.seconds)
    for name, interval in (("MJPEG stream, 30 frames/s", 1 / 30), ("MJPEG stream, as fast as it comes", 0.0)):
        with stream_in_a_process(interval) as url:
            passed &= compare(name, url, classifier, arguments.rounds, arguments.seconds)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

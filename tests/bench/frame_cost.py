"""What a frame costs: `fedge run` as shipped beside a bare decode, in processor milliseconds a frame.

python tests/bench/frame_cost.py [--frames 900] [--limit-moving 3] [--limit-still 1.5]

Both read the same Motion JPEG file of 640x480, which is made here: once with an object that moves before a noisy room,
once with one that lies still. Starting up is left out: the cost of a run of few frames is subtracted.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from bench_common import verdict
from pictures_for_tests import room

FEW, SIZE = 100, (640, 480)
DECODE = """
import sys, cv2
cv2.setNumThreads(1)
capture = cv2.VideoCapture(sys.argv[1])
for _ in range(int(sys.argv[2])):
    capture.read()
"""


def write(path: Path, frames: int, moving: bool) -> Path:
    """A video of an object before a room, with a camera's noise of 4 steps."""
    generator = np.random.default_rng(0)
    background = room(0, *SIZE)
    noises = [generator.normal(0, 4, background.shape).astype(np.int16) for _ in range(8)]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, SIZE)
    for number in range(frames):
        picture = background.copy()
        left = 200 + (round(120 * np.sin(number / 15)) if moving else 0)
        cv2.ellipse(picture, (left + 60, 240), (70, 110), 0, 0, 360, (40, 40, 200), -1)
        writer.write(np.clip(picture + noises[number % len(noises)], 0, 255).astype(np.uint8))
    writer.release()
    return path


def processor_ms(frames: int, *command: object) -> float:
    """Milliseconds of processor time a frame of a command that takes their number as its last argument."""
    few, many = (_seconds(*command, count) for count in (FEW, frames))
    return (many - few) / (frames - FEW) * 1e3


def _seconds(*command: object) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *map(str, command)], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=900)
    parser.add_argument("--limit-moving", type=float, default=3.0)
    parser.add_argument("--limit-still", type=float, default=1.5)
    asked = parser.parse_args()
    ratios = {}
    with tempfile.TemporaryDirectory() as folder:
        for scene in ("moving", "still"):
            video = write(Path(folder) / f"{scene}.avi", asked.frames, scene == "moving")
            bare = processor_ms(asked.frames, "-c", DECODE, video)
            print(f"{scene}, bare decode: {bare:.2f} ms a frame", flush=True)
            for when in ("always", "motion"):
                run = ("-m", "fedge", "run", "--source", video, "--json", "--when", when, "--frames")
                cost = processor_ms(asked.frames, *run)
                ratios[scene, when] = cost / bare
                busy = cost * 30 / 1000
                print(
                    f"{scene}, fedge run --when {when}: {cost:.2f} ms a frame, {cost / bare:.1f} times the decode; "
                    f"at 30 frames/s {busy:.0%} of a core",
                    flush=True,
                )
    passed = [
        verdict("moving, always / decode", ratios["moving", "always"], asked.limit_moving, above=False),
        verdict("still, motion / decode", ratios["still", "motion"], asked.limit_still, above=False),
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Frames a second of the runner over what a person would otherwise write: same video, same machine, in turns.

    python tests/bench/against_peers.py [--rounds 3] [--frames 200] [--peers-python PYTHON]

fedge runs `base`, shown the whole picture. The loop in plain TensorFlow has the same model, Keras a network of the same
architecture, MediaPipe the same architecture with three channels in int8, Ultralytics a classifier with no more
parameters; their weights are random, which changes nothing of the speed. Ultralytics and MediaPipe run where
`--peers-python` has them:
`python -m venv peers && peers/bin/pip install ultralytics mediapipe`. Peers that are not installed are named, and left
out.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from bench_common import verdict, whole_picture_classifier
from peer_loops import CLASSES, SIDE
from pictures_for_tests import write_video
from stream_rate import runner

from fedge.model.classifier import Classifier
from fedge.system.native_stderr import suppress_native_stderr

LOOPS = Path(__file__).with_name("peer_loops.py")
# Of yolov8-cls' channels: 167,826 parameters with ten classes, where `base` has 213,466.
ULTRALYTICS_WIDTH = "0.0625"


@dataclass(frozen=True)
class Peer:
    """A loop of `peer_loops`, what it needs, and the interpreter that has it."""

    title: str
    loop: str
    module: str
    model: str
    python: str

    @property
    def installed(self) -> bool:
        return subprocess.run([self.python, "-c", f"import {self.module}"], capture_output=True).returncode == 0

    def rate(self, video: str) -> float:
        return _printed_rate([self.python, str(LOOPS), self.loop, video, self.model])


def peers(classifier: Classifier, folder: Path, foreign: str) -> list[Peer]:
    architecture = classifier.model.manifest.training.architecture
    same, three_channels = folder / "same.tflite", folder / "three_channels.tflite"
    same.write_bytes(classifier.model.flatbuffer)
    three_channels.write_bytes(_three_channels(architecture))
    here = sys.executable
    return [
        Peer("plain tf.lite loop", "plain", "tensorflow", str(same), here),
        Peer("Keras model.predict", "keras", "tf_keras", architecture, here),
        Peer("Ultralytics predict", "ultralytics", "ultralytics", ULTRALYTICS_WIDTH, foreign),
        Peer("MediaPipe ImageClassifier", "mediapipe", "mediapipe", str(three_channels), foreign),
    ]


def _three_channels(architecture: str) -> bytes:
    """An int8 network of red, green and blue, with the uint8 answers that MediaPipe takes."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with suppress_native_stderr():
        import tensorflow as tf

        from fedge_train.networks.architectures import build

    noise = np.random.default_rng(0).random((20, 1, SIDE, SIDE, 3), dtype=np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(build(architecture, (SIDE, SIDE, 3), CLASSES))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([picture] for picture in noise)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    with suppress_native_stderr(), warnings.catch_warnings():
        # TensorFlow warns that it goes on without what it does not need.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        return bytes(converter.convert())


def _printed_rate(command: Sequence[str]) -> float:
    """One measurement in a process of its own, so that no library slows down another."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    return float(done.stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--peers-python", default=sys.executable, help="the interpreter with Ultralytics and MediaPipe")
    parser.add_argument("--fedge", metavar="VIDEO", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fedge:
        cv2.setNumThreads(1)
        print(runner(arguments.fedge, whole_picture_classifier(), float("inf")))
        return 0
    passed = True
    with tempfile.TemporaryDirectory() as folder:
        video = str(write_video(Path(folder) / "video.mp4", arguments.frames, "mp4v"))
        for peer in peers(whole_picture_classifier(), Path(folder), arguments.peers_python):
            if not peer.installed:
                print(f"{peer.title}: left out, {peer.module} is not installed in {peer.python}")
                continue
            ourselves = [sys.executable, __file__, "--fedge", video]
            pairs = [(_printed_rate(ourselves), peer.rate(video)) for _ in range(arguments.rounds)]
            ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"fedge {ours:.0f}, {peer.title} {theirs:.0f} frames/s")
            passed &= verdict("  ratio", statistics.median(a / b for a, b in pairs), 1.0, above=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

"""Frames a second of the runner over what a person would otherwise write: same video, same machine, same run.

    python tests/bench/against_peers.py [--rounds 3] [--frames 200]

The loop in plain TensorFlow has the same model. Keras has a network of the same architecture, Ultralytics its smallest
classifier, MediaPipe its classifier of 3-channel pictures; peers that are not installed are named and left out.
"""

import argparse
import contextlib
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from bench_common import verdict

from fedge.classifier import Classifier, load
from pictures_for_tests import write_video

SIDE = 28


def fedge_runner(video: str, classifier: Classifier) -> float:
    """The library's own loop, with JSON lines to nowhere."""
    from stream_rate import runner

    return runner(video, classifier, 1e9)


def plain_loop(video: str, classifier: Classifier) -> float:
    """`cap.read()`, `cvtColor`, `resize`, `tf.lite.Interpreter`."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=classifier.model.flatbuffer)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def answer(picture: np.ndarray) -> int:
        interpreter.set_tensor(source, _small(picture)[np.newaxis, :, :, np.newaxis])
        interpreter.invoke()
        return int(interpreter.get_tensor(sink)[0].argmax())

    return _rate(map(answer, _pictures(video)))


def keras_predict(video: str, classifier: Classifier) -> float:
    """`model.predict` on each frame."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    from fedge_train.architectures import build

    model = build(classifier.model.manifest.training.architecture, (SIDE, SIDE, 1), len(classifier.labels))

    def answer(picture: np.ndarray) -> int:
        return int(model.predict(_small(picture)[np.newaxis, :, :, np.newaxis] / 255.0, verbose=0).argmax())

    return _rate(map(answer, _pictures(video)))


def ultralytics_predict(video: str, classifier: Classifier) -> float:
    """`YOLO("yolov8n-cls.yaml").predict(stream=True)`: the architecture without downloaded weights."""
    from ultralytics import YOLO

    model = YOLO("yolov8n-cls.yaml")
    return _rate(iter(model.predict(video, stream=True, imgsz=32, verbose=False)))


def mediapipe_classify(video: str, classifier: Classifier) -> float:
    """`ImageClassifier` in video mode, with the model that $MEDIAPIPE_MODEL names."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=os.environ["MEDIAPIPE_MODEL"]), running_mode=vision.RunningMode.VIDEO
    )
    with vision.ImageClassifier.create_from_options(options) as peer:

        def answer(numbered: tuple[int, np.ndarray]) -> object:
            number, picture = numbered
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            return peer.classify_for_video(image, 40 * number)

        return _rate(map(answer, enumerate(_pictures(video))))


PEERS: dict[str, tuple[str, Callable[[str, Classifier], float]]] = {
    "plain tf.lite loop": ("tensorflow", plain_loop),
    "Keras model.predict": ("tf_keras", keras_predict),
    "Ultralytics predict": ("ultralytics", ultralytics_predict),
    "MediaPipe ImageClassifier": ("mediapipe", mediapipe_classify),
}


def _pictures(video: str) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(video)
    while True:
        ok, picture = capture.read()
        if not ok:
            return
        yield picture


def _small(picture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def _rate(answers: Iterator[object]) -> float:
    next(answers)
    began, count = perf_counter(), 0
    for _ in answers:
        count += 1
    return count / (perf_counter() - began)


def in_a_process(name: str, video: str) -> float:
    """One measurement in a process of its own, so that no library slows down another."""
    done = subprocess.run([sys.executable, __file__, "--only", name, "--video", video], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout.splitlines()[-1])


def _measure(name: str, video: str) -> None:
    cv2.setNumThreads(1) if name == "fedge" else None
    work = fedge_runner if name == "fedge" else PEERS[name][1]
    with contextlib.redirect_stdout(sys.stderr):
        rate = work(video, load(None))
    print(rate)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--video", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        _measure(arguments.only, arguments.video)
        return 0
    passed = True
    with tempfile.TemporaryDirectory() as folder:
        video = str(write_video(Path(folder) / "video.mp4", arguments.frames, "mp4v"))
        for name, (module, _) in PEERS.items():
            if importlib.util.find_spec(module) is None:
                print(f"{name}: left out, {module} is not installed")
                continue
            if module == "mediapipe" and "MEDIAPIPE_MODEL" not in os.environ:
                print(f"{name}: left out, $MEDIAPIPE_MODEL names no model")
                continue
            pairs = [(in_a_process("fedge", video), in_a_process(name, video)) for _ in range(arguments.rounds)]
            ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"fedge {ours:.0f}, {name} {theirs:.0f} frames/s")
            passed &= verdict("  ratio", statistics.median(a / b for a, b in pairs), 1.0, above=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

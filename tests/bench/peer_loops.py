"""The loops that a person would otherwise write, each as a child process that prints its frames a second.

    PYTHON tests/bench/peer_loops.py NAME VIDEO MODEL

It imports nothing of fedge but the architectures for Keras, so that any interpreter with the peer installed runs it.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np

SIDE, CLASSES = 28, 10
# The smallest input that Ultralytics takes.
ULTRALYTICS_SIDE = 32


def plain_loop(video: str, model: str) -> float:
    """`cap.read()`, `cvtColor`, `resize`, `tf.lite.Interpreter`."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_path=model)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def answer(picture: np.ndarray) -> int:
        interpreter.set_tensor(source, _small(picture)[np.newaxis, :, :, np.newaxis])
        interpreter.invoke()
        return int(interpreter.get_tensor(sink)[0].argmax())

    return _rate(map(answer, _pictures(video)))


def keras_predict(video: str, architecture: str) -> float:
    """`model.predict` on each frame."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    from fedge_train.networks.architectures import build

    model = build(architecture, (SIDE, SIDE, 1), CLASSES)

    def answer(picture: np.ndarray) -> int:
        return int(model.predict(_small(picture)[np.newaxis, :, :, np.newaxis] / 255.0, verbose=0).argmax())

    return _rate(map(answer, _pictures(video)))


def ultralytics_predict(video: str, width: str) -> float:
    """`predict(stream=True)` of the architecture of yolov8-cls, as wide as `width` says, with random weights."""
    # It would look for a newer release of itself, and write settings into the home.
    os.environ["YOLO_OFFLINE"] = "true"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["YOLO_CONFIG_DIR"] = folder
        import ultralytics
        import yaml

        shipped = Path(ultralytics.__file__).parent / "cfg/models/v8/yolov8-cls.yaml"
        plan = yaml.safe_load(shipped.read_text())
        plan["nc"] = CLASSES
        plan["scales"]["n"][1] = float(width)
        narrow = Path(folder) / "yolov8n-cls.yaml"
        narrow.write_text(yaml.safe_dump(plan))
        model = ultralytics.YOLO(str(narrow), task="classify")
        parameters = sum(parameter.numel() for parameter in model.model.parameters())
        print(f"yolov8-cls of width {width}: {parameters:,} parameters", file=sys.stderr)
        return _rate(iter(model.predict(video, stream=True, imgsz=ULTRALYTICS_SIDE, verbose=False)))


def mediapipe_classify(video: str, model: str) -> float:
    """`ImageClassifier` in video mode."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=model), running_mode=vision.RunningMode.VIDEO
    )
    with vision.ImageClassifier.create_from_options(options) as peer:

        def answer(numbered: tuple[int, np.ndarray]) -> object:
            number, picture = numbered
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            return peer.classify_for_video(image, 40 * number)

        return _rate(map(answer, enumerate(_pictures(video))))


LOOPS: dict[str, Callable[[str, str], float]] = {
    "plain": plain_loop,
    "keras": keras_predict,
    "ultralytics": ultralytics_predict,
    "mediapipe": mediapipe_classify,
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


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        rate = LOOPS[sys.argv[1]](sys.argv[2], sys.argv[3])
    print(rate)

"""Teaching before a camera: hold a key, it records; release it, it has learned; `q` writes the model file."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fedge.commands.making.keys import Keys, keys_of
from fedge.commands.making.teach import TeachOptions, require_file, teach
from fedge.commands.making.teach_report import TeachReport
from fedge.errors import CaptureError, FedgeError
from fedge.images.near_duplicates import NearDuplicates, difference_hash
from fedge.images.picture import Picture, as_jpeg
from fedge.images.preprocess import Recipe, apply
from fedge.making.backbone import read_backbone
from fedge.making.features import FeatureExtractor
from fedge.making.frames import REMEMBERED, Frames
from fedge.making.graph.append_layer import LinearHead
from fedge.making.learn_head import USUAL_STRENGTH, fit
from fedge.model.confidence import Floats, softmax
from fedge.options import CameraOptions, FaultLimits
from fedge.sources.base import Fault, Frame, Source, Unmonitored
from fedge.sources.factory import open_asked
from fedge.system.console import echo, printable
from fedge.system.files import write_bytes

# A terminal does not report that a key is released. A held key repeats after half a second, then many times a second;
# one that did not for so many seconds was released.
RELEASED_AFTER = 0.7
# Each class needs one picture to learn from, one to choose by and one to test.
FEWEST = 3
MOST_CLASSES = 9


@dataclass(frozen=True)
class CameraLesson:
    """What is taught by keys: `labels` for the keys 1, 2 and so on; where frames come from, and where they are kept."""

    labels: tuple[str, ...]
    source: str | None = None
    device: str | None = None
    camera: CameraOptions = field(default_factory=CameraOptions)
    photos: Path | None = None


def teach_by_keys(options: TeachOptions, lesson: CameraLesson) -> TeachReport:
    """Records by keys until `q` or the source's end, then teaches from the pictures that were kept.

    Gives `teach`'s report. Raises FedgeError for classes that no key or folder can have, CaptureError where a class
    got too few pictures.
    """
    require_file(options.out)
    _require_labels(lesson.labels)
    folder = lesson.photos or options.out.with_name(f"{options.out.stem}-photos")
    backbone = read_backbone(options.backbone)
    recorder = Recorder(lesson.labels, folder, FeatureExtractor(backbone), backbone.manifest.preprocessing)
    source = open_asked(lesson.source, lesson.device, lesson.camera, None, Unmonitored(), FaultLimits())
    echo(f"pictures are kept in {folder}; later --data {folder} learns from them again")
    with keys_of(sys.stdin.fileno()) as keys:
        record(source, keys, recorder)
    recorder.require_enough()
    return teach(replace(options, data=(str(folder),)), recorder.unlabelled())


def record(source: Source, keys: Keys, recorder: "Recorder") -> None:
    """Gives the source's frames to the recorder, with the class whose key is held, until `q` or the end; closes it."""
    held, until = None, 0.0
    echo(
        ", ".join(f"{i}: {label}" for i, label in enumerate(recorder.labels, 1))
        + "; hold a key and turn the thing before the camera, release it to learn, q to end"
    )
    try:
        for item in source.frames():
            pressed = keys.pressed()
            if "q" in pressed:
                break
            chosen = [int(key) - 1 for key in pressed if key.isdigit() and 0 < int(key) <= len(recorder.labels)]
            if isinstance(item, Fault):
                echo(item.message)
            if not isinstance(item, Frame):
                continue
            if chosen:
                if held is not None and held != chosen[-1]:
                    recorder.learn()
                held, until = chosen[-1], item.moment + RELEASED_AFTER
            elif held is not None and item.moment >= until:
                recorder.learn()
                held = None
            recorder.see(item.picture, held)
    finally:
        source.close()


class Recorder:
    """Pictures by class, each kept as a file too, and what a head that learned from them says of the next one."""

    def __init__(self, labels: tuple[str, ...], folder: Path, extract: FeatureExtractor, recipe: Recipe) -> None:
        self.labels, self._folder, self._extract, self._recipe = labels, folder, extract, recipe
        self._seen = NearDuplicates(most=REMEMBERED)
        self._features: list[Floats] = []
        self._classes: list[int] = []
        self._unlabelled: list[Picture] = []
        self._alike = 0
        self._head: LinearHead | None = None
        self._numbers = [_last_number(folder / label) for label in labels]

    def see(self, picture: Picture, held: int | None) -> None:
        """Keeps a picture that looks like none before: of the class whose key is held, or as one without a class."""
        fingerprint = difference_hash(picture)
        if self._seen.has_near_duplicate(fingerprint):
            self._alike += 1
            return
        self._seen.add(fingerprint)
        image = apply(self._recipe, picture)
        features = self._extract(image)
        if held is None:
            if len(self._unlabelled) < REMEMBERED:
                self._unlabelled.append(image)
            self._answer(features)
            return
        label = self.labels[held]
        self._numbers[held] += 1
        write_bytes(self._folder / label / f"{self._numbers[held]:06d}.jpg", as_jpeg(picture))
        self._features.append(features)
        self._classes.append(held)
        echo(f"{label}: {self._classes.count(held)} pictures")

    def learn(self) -> None:
        """Learns from all pictures of this session, where there are two classes of them."""
        classes = np.array(self._classes, dtype=np.int64)
        known = np.unique(classes)
        if len(known) < 2:
            return
        # Classes that have no picture yet are left out, and get a logit that never wins.
        head = fit(np.stack(self._features)[np.newaxis], np.searchsorted(known, classes), len(known), USUAL_STRENGTH)
        weights = np.zeros((len(head.weights), len(self.labels)))
        bias = np.full(len(self.labels), -1e9)
        weights[:, known], bias[known] = head.weights, head.bias
        self._head = LinearHead(weights, bias)
        echo(f"learned from {len(classes)} pictures")

    def unlabelled(self) -> Frames | None:
        """The pictures that were seen while no key was held; None where there is none."""
        return Frames(np.stack(self._unlabelled), self._alike) if self._unlabelled else None

    def require_enough(self) -> None:
        """Raises CaptureError where a class has too few pictures to teach it, in this session and those before."""
        for label, number in zip(self.labels, self._numbers, strict=True):
            if number < FEWEST:
                raise CaptureError(
                    f"{label} got {number} pictures that differ; those taken so far are kept in {self._folder}",
                    f"hold its key longer, and turn the thing: each class needs {FEWEST}, and 20 or more do better",
                )

    def _answer(self, features: Floats) -> None:
        if self._head is None:
            return
        probabilities = softmax(self._head.logits(features))
        best = int(probabilities.argmax())
        echo(f"{self.labels[best]} {probabilities[best]:.0%}")


def _require_labels(labels: tuple[str, ...]) -> None:
    if not 2 <= len(labels) <= MOST_CLASSES or len(set(labels)) < len(labels):
        raise FedgeError(f"{len(labels)} classes cannot be taught by keys", f"name 2 to {MOST_CLASSES}, each once")
    for label in labels:
        if Path(label).name != label or label.startswith(".") or printable(label) != label or not label.strip():
            raise FedgeError(f"{label!r} cannot be the name of a class's folder", "give a plain word")


def _last_number(folder: Path) -> int:
    return max((int(path.stem) for path in folder.glob("*.jpg") if path.stem.isdigit()), default=0)

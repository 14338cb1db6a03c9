"""A picture to an answer: preprocessing, the network, and what its logits mean."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedge.images.background import Background
from fedge.images.picture import Picture, as_picture
from fedge.images.preprocess import prepare
from fedge.model import file as model_file
from fedge.model import interpreter
from fedge.model.confidence import Floats, Score, answered, certainty
from fedge.model.file import ModelFile
from fedge.model.shipped import find_model, is_shipped
from fedge.options import DEFAULT_REJECT, RejectMode

if TYPE_CHECKING:
    from PIL.Image import Image

TOP = 3


@dataclass(frozen=True)
class Answer:
    """What the classifier says of one picture.

    Attributes:
        label: the class, or None where the score is too low for the classifier's mode or no object is in the picture.
        score: the best class's calibrated probability, 0..1; what is refused is told by the model's own kind of score.
        top: the best classes and their probabilities, best first.
        preprocess_ms, infer_ms: milliseconds spent on each.
        probabilities: of every class, in output order, each 0..1; all equal where no object is in the picture.
        quality: how sure it is, in 0..1, that there is one object; None where the recipe does not cut it out.
        score_kind: by what an answer is refused: its probability, or the energy of all classes together.
        empty: whether no object is in the picture; never where the recipe does not cut it out.
        image: the network's input: uint8, [height, width, channels], red-green-blue where there are three; not a copy.
            None where it is not at hand.
    """

    label: str | None
    score: float
    top: tuple[tuple[str, float], ...]
    preprocess_ms: float
    infer_ms: float
    probabilities: tuple[float, ...] = ()
    quality: float | None = None
    empty: bool = False
    score_kind: Score = "probability"
    image: Picture | None = field(default=None, repr=False, compare=False)

    @property
    def rejected(self) -> bool:
        """Whether the answer is "unknown"."""
        return self.label is None

    @property
    def evidence(self) -> tuple[float, ...]:
        """The probabilities that a decision over time averages; all equal where the answer is rejected."""
        count = len(self.probabilities)
        return (1 / count,) * count if self.rejected else self.probabilities


class Classifier:
    """A model file ready to classify; not for use from several threads at once.

    Args:
        model: the model file.
        reject: how certain an answer must be; `off` gives a label to everything that has an object in it.
        background: the empty scene before a still camera; of use to a recipe that cuts the object out.
    """

    def __init__(
        self, model: ModelFile, reject: RejectMode = DEFAULT_REJECT, background: Background | None = None
    ) -> None:
        self.model, self.reject, self.background = model, reject, background
        self.labels = model.labels
        self._network = interpreter.Network(model.flatbuffer)

    def __call__(self, picture: "Picture | str | os.PathLike[str] | Image") -> Answer:
        """Classifies a picture: uint8 [h, w] or [h, w, 3] blue-green-red, a picture file's path, or one of PIL's.

        Raises DataError where the file cannot be read.
        """
        return self.classify(as_picture(picture))

    def logits(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """What the network gives, [classes], for one preprocessed input: uint8, [height, width, channels].

        int8 logits, but of a network from elsewhere whatever its output is.
        """
        return self._network.logits(self.model.manifest.input.encode(image))

    def probabilities(self, logits: NDArray[Any]) -> Floats:
        """Calibrated probabilities over the last axis of what `logits` gives, any number of pictures."""
        return self.model.manifest.confidence.probabilities(self.model.manifest.output.real(logits))

    def scores(self, logits: NDArray[Any]) -> Floats:
        """What decides whether answers are given, 0..1, over the last axis of what `logits` gives."""
        return self.model.manifest.confidence.scores(self.model.manifest.output.real(logits))

    def classify(self, picture: Picture) -> Answer:
        """Classifies a picture: uint8, [h, w] or [h, w, 3] blue-green-red, any size."""
        started = perf_counter()
        seen = prepare(self.model.manifest.preprocessing, picture, self.background)
        prepared = perf_counter()
        logits = self.logits(seen.image)
        inferred = perf_counter()
        scores = np.full(len(self.labels), 1 / len(self.labels)) if seen.empty else self.probabilities(logits)
        # Of equal probabilities the first class wins, as in argmax, so that `fedge run` and `fedge eval` agree.
        best = np.argsort(-scores, kind="stable")[:TOP]
        confidence = self.model.manifest.confidence
        known = answered(confidence, self.reject, self.scores(logits), seen.empty)
        return Answer(
            label=self.labels[best[0]] if known else None,
            score=float(certainty(scores)),
            top=tuple((self.labels[i], float(scores[i])) for i in best),
            preprocess_ms=(prepared - started) * 1e3,
            infer_ms=(inferred - prepared) * 1e3,
            probabilities=tuple(scores.tolist()),
            quality=seen.quality,
            empty=seen.empty,
            score_kind=confidence.score,
            image=seen.image,
        )


def load(model: str | Path | None = None, reject: RejectMode = DEFAULT_REJECT) -> Classifier:
    """Loads the classifier from a path, the name of a shipped model, or (None) the default model.

    Raises ModelFileError. A file from elsewhere is first loaded in a process of its own.
    """
    path = find_model(model)
    content = model_file.read(path)
    if not is_shipped(path):
        interpreter.probe(content.flatbuffer)
    return Classifier(content, reject)

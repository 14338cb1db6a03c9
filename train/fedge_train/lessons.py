"""What a training teaches: which pictures, how often in an epoch, and which answers to come near to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedge.arithmetic import softmax
from fedge.data.dataset import Dataset, Split
from fedge.errors import FedgeError, RunError
from fedge_train.augment import augment
from fedge_train.outliers import draw_outliers
from fedge_train.plan import Plan
from fedge_train.predict import predictor
from fedge_train.run import RunConfig, load_float_model, read_config
from fedge_train.variants import with_variants

# Pictures uint8 [n, height, width, channels], the right classes bool [n, classes], soft answers float32 [n, classes].
Batch = tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.float32]]


@dataclass(frozen=True)
class Lessons:
    """The training pictures with their weights and soft answers.

    Attributes:
        split: the training pictures.
        plan: how they are taught.
        weights: for each of the split's sources, how often an epoch shows one of its pictures on average.
        taught: a teacher's probabilities, float32 [n, classes], or None without a teacher; a row of zeros where it does
            not know the picture's source.
    """

    split: Split
    plan: Plan
    weights: tuple[float, ...]
    taught: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """How many pictures an epoch shows."""
        return sum(round(weight * count) for weight, count in self._counts())

    def order(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """One epoch's pictures in a random order: indices into the split, [len(self)].

        A source of weight 2.5 is shown twice, and a random half of it once more.
        """
        shown = []
        for source, (weight, count) in enumerate(self._counts()):
            members = np.flatnonzero(self.split.sources == source)
            whole = round(weight * count) // count if count else 0
            rest = generator.permutation(members)[: round(weight * count) - whole * count]
            shown.append(np.concatenate([np.tile(members, whole), rest]))
        return generator.permutation(np.concatenate(shown))

    @property
    def batch(self) -> int:
        """How many pictures a batch has, those of nothing known among them."""
        return min(self.plan.batch, len(self))

    @property
    def steps(self) -> int:
        """How many whole batches an epoch has."""
        return len(self) // (self.batch - self._outliers)

    def batches(self, generator: np.random.Generator) -> Iterator[Batch]:
        """One epoch's batches."""
        outliers = self._outliers
        known, order, classes = self.batch - outliers, self.order(generator), self.split.right.shape[1]
        for step in range(self.steps):
            chosen = order[step * known : (step + 1) * known]
            images = augment(self.split.images[chosen], self.plan, generator)
            right, soft = self.split.right[chosen], self.soft(chosen)
            if outliers:
                images = np.concatenate([images, draw_outliers(outliers, images, generator)])
                right = np.concatenate([right, np.zeros((outliers, classes), dtype=bool)])
                soft = np.concatenate([soft, np.zeros((outliers, classes), dtype=np.float32)])
            yield images, right, soft

    def soft(self, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        """The soft answers of some pictures, float32 [m, classes]: label smoothing, and what the teacher says."""
        classes = self.split.right.shape[1]
        soft = np.full((len(chosen), classes), self.plan.label_smoothing / classes, dtype=np.float32)
        return soft if self.taught is None else soft + np.float32(self.plan.taught) * self.taught[chosen]

    @property
    def _outliers(self) -> int:
        return round(self.plan.outliers * self.batch)

    def _counts(self) -> list[tuple[float, int]]:
        return [(weight, int((self.split.sources == source).sum())) for source, weight in enumerate(self.weights)]


def lessons_of(config: RunConfig, dataset: Dataset) -> Lessons:
    """The lessons of a run. Raises RunError where a teacher has other classes or pictures."""
    split = with_variants(dataset, config.plan.variants, config.seed)
    weights = config.weights or (1.0,) * len(config.data)
    if not config.teachers:
        return Lessons(split, config.plan, weights)
    answers = np.stack([_answers(Path(teacher), config, split) for teacher in config.teachers])
    known = np.maximum(1, answers.any(axis=2).sum(axis=0))
    return Lessons(split, config.plan, weights, answers.sum(axis=0) / known[:, np.newaxis].astype(np.float32))


def source_weights(weights: Sequence[float], sources: int) -> tuple[float, ...]:
    """The weight of each source, as given. Raises FedgeError where there is not one for each, or one is not above 0."""
    if weights and (len(weights) != sources or min(weights) <= 0):
        raise FedgeError(
            f"--weight {', '.join(map(str, weights))} does not fit {sources} --data",
            "give one above 0 for each --data, in the same order",
        )
    return tuple(weights)


def require_same_task(folder: Path, config: RunConfig, labels: tuple[str, ...], shape: tuple[int, int, int]) -> None:
    """Raises RunError unless a run's network answers with the same classes to pictures of the same shape."""
    if config.labels != labels or config.recipe.shape != shape:
        raise RunError(
            f"{folder} was trained on other classes or pictures of another size",
            "give a run with the same classes, size and colours",
        )


def _answers(folder: Path, config: RunConfig, split: Split) -> NDArray[np.float32]:
    """A teacher's probabilities for pictures, float32 [n, classes]: by the mean logits of a picture and its mirror.

    Rows are zeros for pictures of sources that the teacher did not learn from.
    """
    teacher = read_config(folder)
    require_same_task(folder, teacher, config.labels, config.recipe.shape)
    ask = predictor(load_float_model(folder, teacher))
    known = np.isin(split.sources, [i for i, data in enumerate(config.data) if data in teacher.data])
    answers = np.zeros(split.right.shape, dtype=np.float32)
    images = split.images[known]
    if len(images):
        answers[known] = softmax((ask(images) + ask(images[:, :, ::-1])).astype(np.float64) / 2)
    return answers

"""The training batches: which pictures, how often in an epoch, and with which targets."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import Dataset, Split
from fedge.data.picture_files import PictureFiles
from fedge.errors import FedgeError
from fedge_train.augmentation.batch import augment
from fedge_train.augmentation.mix import mix
from fedge_train.augmentation.outliers import draw_outliers
from fedge_train.augmentation.photographs import augment_photographs
from fedge_train.networks.plans import Plan
from fedge_train.runs.run_folder import RunConfig
from fedge_train.training.distillation import TeacherAnswers, teacher_answers_of

Losses = NDArray[np.float32]


class Batch(NamedTuple):
    """The pictures and targets of one step; outliers come last.

    Attributes:
        images: uint8, [n, height, width, channels].
        right: bool, [n, classes]: the right classes.
        soft: float32, [n, classes]: the soft targets, see `training.loop.answer_loss`.
        counts: float32, [n]: how many pictures each one stands for.
        chosen: int64, [known]: the places in the split of the pictures that are no outliers.
    """

    images: NDArray[np.uint8]
    right: NDArray[np.bool_]
    soft: NDArray[np.float32]
    counts: NDArray[np.float32]
    chosen: NDArray[np.int64]


@dataclass(frozen=True)
class BatchLoader:
    """The training pictures with their sampling weights and soft targets, in batches.

    Attributes:
        split: the training pictures.
        plan: the hyperparameters.
        weights: for each of the split's sources, how often an epoch shows one of its pictures on average.
        teacher_answers: what teachers answer, or None without a teacher.
        crops: of photographs, uint8 [m, height, width, channels], to make outliers of, if any.
    """

    split: Split
    plan: Plan
    weights: tuple[float, ...]
    teacher_answers: TeacherAnswers | None = None
    crops: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        """How many pictures an epoch shows."""
        return sum(round(weight * count) for weight, count in self._counts)

    def order(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """One epoch's pictures in a random order: indices into the split, [len(self)].

        A source of weight 2.5 is shown twice, and a random half of it once more.
        """
        shown = []
        for source, (weight, count) in enumerate(self._counts):
            members = np.flatnonzero(self.split.sources == source)
            whole = round(weight * count) // count if count else 0
            rest = generator.permutation(members)[: round(weight * count) - whole * count]
            shown.append(np.concatenate([np.tile(members, whole), rest]))
        return generator.permutation(np.concatenate(shown))

    def without_easy(
        self, order: NDArray[np.int64], share: float, losses: Losses, generator: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """An epoch's order with a `share` of it left out, and how many pictures each of the rest stands for.

        Those left out are a random half of the easiest, by their `losses` when last shown, float32 [len(split)]; the
        other half counts double, so that the gradient expected is that of all (InfoBatch, Qin and others, 2024).
        """
        left_out = round(share * len(order))
        easy = np.argsort(losses[order], kind="stable")[: 2 * left_out]
        easy = generator.permutation(easy)
        counts = np.ones(len(order), dtype=np.float32)
        counts[easy[:left_out]], counts[easy[left_out:]] = 0, 2
        return order[counts > 0], counts[counts > 0]

    @property
    def batch(self) -> int:
        """How many pictures a batch has, outliers included."""
        return min(self.plan.batch, len(self))

    def steps(self, epoch: int) -> int:
        """How many whole batches an epoch, counted from 1, has."""
        return max(1, (len(self) - round(self.plan.skipped(epoch) * len(self))) // (self.batch - self._outliers))

    def steps_until(self, epoch: int) -> int:
        """How many batches the epochs up to and with this one have together."""
        return sum(self.steps(number) for number in range(1, epoch + 1))

    def batches(self, generator: np.random.Generator, epoch: int, losses: Losses) -> Iterator[Batch]:
        """One epoch's batches; `losses`, float32 [len(split)], are each picture's when it was last shown."""
        outliers = self._outliers
        known, classes = self.batch - outliers, self.split.right.shape[1]
        order, counts = self.without_easy(self.order(generator), self.plan.skipped(epoch), losses, generator)
        for step in range(self.steps(epoch)):
            here = slice(step * known, (step + 1) * known)
            chosen = order[here]
            shown, right = augment(self.split.images[chosen], self.plan, generator), self.split.right[chosen]
            soft = self.soft(chosen, shown)
            if self.plan.mix != "none":
                shown, soft = mix(shown, right, soft, self.plan, generator)
            batch = Batch(shown, right, soft, counts[here], chosen)
            if outliers:
                crops = self.split.images[:0] if self.crops is None else self.crops
                batch = Batch(
                    np.concatenate([batch.images, draw_outliers(outliers, batch.images, crops, generator)]),
                    np.concatenate([batch.right, np.zeros((outliers, classes), dtype=bool)]),
                    np.concatenate([batch.soft, np.zeros((outliers, classes), dtype=np.float32)]),
                    np.concatenate([batch.counts, np.ones(outliers, dtype=np.float32)]),
                    chosen,
                )
            yield batch

    def soft(self, chosen: NDArray[np.int64], shown: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The augmented pictures' soft targets, float32 [m, classes]: label smoothing, and the teachers' answers."""
        classes = self.split.right.shape[1]
        soft = np.full((len(chosen), classes), self.plan.label_smoothing / classes, dtype=np.float32)
        return (
            soft
            if self.teacher_answers is None
            else soft + np.float32(self.plan.taught) * self.teacher_answers(chosen, shown)
        )

    @property
    def _outliers(self) -> int:
        return max(1, round(self.plan.outliers * self.batch)) if self.plan.open_set else 0

    # Cached: it is read at each step, and counting passes over all pictures.
    @cached_property
    def _counts(self) -> list[tuple[float, int]]:
        return [(weight, int((self.split.sources == source).sum())) for source, weight in enumerate(self.weights)]


def make_loader(config: RunConfig, dataset: Dataset, files: PictureFiles | None = None) -> BatchLoader:
    """The loader of a run. Raises RunError where a teacher has other classes or pictures.

    `files` may have the data set's files from when they were loaded; without it, each that is needed is read anew.
    """
    kept = PictureFiles(limit_bytes=0) if files is None else files
    plan = config.plan
    split, crops = augment_photographs(dataset, kept, plan.variants, plan.open_set, config.seed)
    weights = config.weights or (1.0,) * len(config.data)
    for number, (name, weight) in enumerate(zip(config.data, weights, strict=True)):
        pictures = int(np.sum(split.sources == number))
        if round(weight * pictures) < 1:
            raise FedgeError(f"--weight {weight:g} shows none of the {pictures} pictures of {name}", "raise it")
    return BatchLoader(split, plan, weights, teacher_answers_of(config, split), crops if plan.open_set else None)


def source_weights(weights: Sequence[float], sources: int) -> tuple[float, ...]:
    """The weight of each source, as given. Raises FedgeError where there is not one for each, or one is not above 0."""
    if weights and (len(weights) != sources or not all(0 < weight < math.inf for weight in weights)):
        raise FedgeError(
            f"--weight {', '.join(map(str, weights))} does not fit {sources} --data",
            "give one above 0 for each --data, in the same order",
        )
    return tuple(weights)

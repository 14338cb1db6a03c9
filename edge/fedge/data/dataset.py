"""A labelled data set, and the rules by which it is split."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fedge.data.decoded import array
from fedge.data.decoded.array import Images
from fedge.images.picture import Picture, read_picture
from fedge.images.preprocess import Recipe

Classes = NDArray[np.int64]
JudgedOn = Literal["test", "held_out"]

HELD_OUT_MOST = 5_000
HELD_OUT_SHARE = 0.10
# One seed for every run, so that runs with other training seeds are compared on the same held-out pictures.
SPLIT_SEED = 20170825


@dataclass(frozen=True)
class Split:
    """Preprocessed pictures and their classes.

    Attributes:
        images: uint8, [n, height, width, channels], as `fedge.images.preprocess.apply` gives them; in memory, or on
            disk until they are indexed.
        labels: int64, [n], indices into the data set's labels; the first right one where several are.
        right: bool, [n, classes]: the classes that are right answers.
        sources: int64, [n]: from which of the data set's sources each picture came, the first being 0.
        empty: bool, [n]: whether the cut-out found no object; never where the recipe leaves pictures whole.
        names: where each picture came from: a path, or a place within a packaged data set.
        digests: SHA-256 of each raw picture's pixels.
    """

    images: Images
    labels: NDArray[np.int64]
    right: NDArray[np.bool_]
    sources: NDArray[np.int64]
    empty: NDArray[np.bool_]
    names: tuple[str, ...]
    digests: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of each picture."""
        _, height, width, channels = self.images.shape
        return height, width, channels

    def take(self, indices: NDArray[np.int64]) -> "Split":
        """The pictures at `indices`, in that order."""
        return Split(
            array.take(self.images, indices),
            self.labels[indices],
            self.right[indices],
            self.sources[indices],
            self.empty[indices],
            tuple(self.names[i] for i in indices),
            tuple(self.digests[i] for i in indices),
        )

    def truth(self, predicted: NDArray[np.int64]) -> NDArray[np.int64]:
        """The true classes to count predictions, int64 [n], against: the predicted one wherever it is a right one."""
        return np.where(hits(self.right, predicted), predicted, self.labels)

    def raw_picture(self, index: int) -> Picture:
        """The picture before preprocessing: its file read again, or the image where it came from a packaged set."""
        return read_picture(Path(self.names[index])) if self.is_file(index) else self.images[index].squeeze()

    def files(self) -> NDArray[np.int64]:
        """Indices of the pictures that are files of their own, in rising order."""
        return np.array([i for i in range(len(self)) if self.is_file(i)], dtype=np.int64)

    def is_file(self, index: int) -> bool:
        """Whether the picture is a file of its own, not one of a packaged set."""
        return Path(self.names[index]).is_file()


@dataclass(frozen=True)
class Dataset:
    """A data set ready for training and evaluation.

    Attributes:
        name: the names of its sources, joined by a plus sign.
        labels: the class names, in output order.
        recipe: the preprocessing that made the images.
        train, held_out, test: for learning, for every choice, and for the final figure.
        skipped: pictures that could not be read, each with its reason.
        duplicates: pictures left out because a later split, or held_out or test itself, has the same pixels.
        doubtful: what is odd about pictures that were taken all the same: damage, or the same picture in two classes.
        warnings: what is odd about the classes: names that hardly differ, far fewer pictures than another has.
        sealed: whether the test pictures had no say in what the other splits have; until all is chosen, `test` is
            empty, and its files are not opened.
    """

    name: str
    labels: tuple[str, ...]
    recipe: Recipe
    train: Split
    held_out: Split
    test: Split
    skipped: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sealed: bool = False

    @property
    def judged_on(self) -> JudgedOn:
        """Which split figures are measured on: the test pictures, or while these are closed the held-out ones."""
        return "held_out" if self.sealed and not len(self.test) else "test"

    @property
    def judged(self) -> Split:
        """The pictures of that split."""
        return self.held_out if self.judged_on == "held_out" else self.test

    def sha256(self) -> str:
        """A hash of labels, split membership and raw pixels: equal data sets have equal hashes.

        That of a sealed one leaves the test pictures out, and so is the same before and after they are opened.
        """
        digest = hashlib.sha256("\n".join(self.labels).encode())
        for split in (self.train, self.held_out, *([] if self.sealed else [self.test])):
            digest.update(split.labels.astype("<i8").tobytes())
            ambiguous = np.flatnonzero(split.right.sum(axis=1) > 1)
            digest.update(ambiguous.astype("<i8").tobytes() + np.packbits(split.right[ambiguous]).tobytes())
            digest.update(b"".join(split.digests))
        return digest.hexdigest()

    def source_sha256(self, source: int) -> str:
        """The same hash of what is learned from one of the sources, the first being 0; the test has no part in it."""

        def of_source(split: Split) -> Split:
            return split.take(np.flatnonzero(split.sources == source))

        return replace(self, train=of_source(self.train), held_out=of_source(self.held_out), sealed=True).sha256()


def thinned(dataset: Dataset, share: float) -> Dataset:
    """A data set with a share, 0..1, of each split's pictures, stratified, seeded, and at least one of each class."""

    def thin(split: Split) -> Split:
        return carve(split, max(1, round(share * len(split))), leave=0)[1] if len(split) else split

    return replace(dataset, train=thin(dataset.train), held_out=thin(dataset.held_out), test=thin(dataset.test))


def join(splits: Sequence[Split]) -> Split:
    """The pictures of several splits, one after the other."""
    return Split(
        array.join([s.images for s in splits]),
        np.concatenate([s.labels for s in splits]),
        np.concatenate([s.right for s in splits]),
        np.concatenate([s.sources for s in splits]),
        np.concatenate([s.empty for s in splits]),
        tuple(name for s in splits for name in s.names),
        tuple(digest for s in splits for digest in s.digests),
    )


def stratified_sample(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Indices of `count` pictures, each class by its share (largest remainders get the rest), in rising order."""
    classes, sizes = np.unique(labels, return_counts=True)
    shares = sizes * (count / len(labels))
    quotas = np.floor(shares).astype(np.int64)
    for i in np.argsort(quotas - shares, kind="stable")[: count - int(quotas.sum())]:
        quotas[i] += 1
    generator = np.random.default_rng(seed)
    chosen = [
        generator.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def carve(split: Split, count: int, leave: int) -> tuple[Split, Split]:
    """Cuts `count` pictures out of a split, stratified and seeded; gives (the rest, those cut out).

    Of each class at least one is cut out, and at least `leave` are left where it has so many, even if that makes
    another number than `count`.
    """
    chosen = stratified_sample(split.labels, count, SPLIT_SEED)
    for label in np.unique(split.labels):
        members = np.flatnonzero(split.labels == label)
        cut = chosen[split.labels[chosen] == label]
        wanted = min(max(len(cut), 1), max(0, len(members) - leave))
        if wanted > len(cut):
            chosen = np.concatenate([chosen, np.setdiff1d(members, cut)[: wanted - len(cut)]])
        elif wanted < len(cut):
            chosen = np.setdiff1d(chosen, cut[wanted:])
    chosen = np.sort(chosen)
    rest = np.setdiff1d(np.arange(len(split)), chosen)
    return split.take(rest), split.take(chosen)


def held_out_count(train_count: int) -> int:
    """How many of the training pictures are held out for choices."""
    return min(HELD_OUT_MOST, max(1, round(train_count * HELD_OUT_SHARE)))


def without_duplicates(dataset: Dataset) -> Dataset:
    """Keeps what is in held_out or test out of train, and what is in test out of held_out.

    What is in held_out or in test several times is kept there once: a copy proves nothing that the picture does not.
    Where the data set is sealed, train and held_out keep what they have, and the test pictures lose the copies.
    """
    if dataset.sealed:
        return _without_duplicates_sealed(dataset)
    test, test_doubles = _drop(dataset.test, set(), once=True)
    held_out, held_out_doubles = _drop(dataset.held_out, set(test.digests), once=True)
    train, train_doubles = _drop(dataset.train, {*test.digests, *held_out.digests}, once=False)
    doubles = (*train_doubles, *held_out_doubles, *test_doubles)
    return replace(dataset, train=train, held_out=held_out, test=test, duplicates=doubles)


def _without_duplicates_sealed(dataset: Dataset) -> Dataset:
    held_out, held_out_doubles = _drop(dataset.held_out, set(), once=True)
    train, train_doubles = _drop(dataset.train, set(held_out.digests), once=False)
    test, test_doubles = _drop(dataset.test, {*train.digests, *held_out.digests}, once=True)
    doubles = (*train_doubles, *held_out_doubles, *test_doubles)
    return replace(dataset, train=train, held_out=held_out, test=test, duplicates=doubles)


def _drop(split: Split, banned: set[bytes], once: bool) -> tuple[Split, tuple[str, ...]]:
    keep = np.ones(len(split), dtype=bool)
    seen = set(banned)
    for i, digest in enumerate(split.digests):
        keep[i] = digest not in seen
        if once:
            seen.add(digest)
    return split.take(np.flatnonzero(keep)), tuple(split.names[i] for i in np.flatnonzero(~keep))


def hits(right: NDArray[np.bool_], predicted: Classes) -> NDArray[np.bool_]:
    """Which predictions, int64 [n], are among the right classes, bool [n, classes]; bool [n]."""
    return np.asarray(right[np.arange(len(right)), predicted])

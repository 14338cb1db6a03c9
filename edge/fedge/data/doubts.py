"""What in a data set is allowed but seldom meant."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from fedge.data.dataset import Split

# The largest class may have so many times as many pictures as the smallest.
MOST_IMBALANCE = 10


def same_picture_in_two_classes(split: Split, labels: Sequence[str]) -> Iterator[str]:
    """The pictures whose pixels are those of a picture of another class, each with that."""
    first: dict[bytes, int] = {}
    for index, digest in enumerate(split.digests):
        earlier = first.setdefault(digest, index)
        if not np.any(split.right[earlier] & split.right[index]):
            classes = f"in {labels[split.labels[index]]} and in {labels[split.labels[earlier]]}"
            yield f"{split.names[index]} is the same picture as {split.names[earlier]}, {classes}: remove one"


def similar_names(labels: Sequence[str]) -> Iterator[str]:
    """The classes whose names differ only in upper and lower case, or in spaces."""
    alike: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        alike["".join(label.casefold().split())].append(label)
    for names in alike.values():
        if len(names) > 1:
            both = " and ".join(map(repr, names))
            yield f"the classes {both} differ only in spaces or case: join them if they are one"


def imbalance(split: Split, labels: Sequence[str]) -> Iterator[str]:
    """A warning where the smallest class has a tenth of the largest one's training pictures or less."""
    counts = np.bincount(split.labels, minlength=len(labels))
    few, many = int(counts.argmin()), int(counts.argmax())
    if counts[few] and counts[many] >= MOST_IMBALANCE * counts[few]:
        yield (
            f"{labels[many]} has {counts[many]} training pictures and {labels[few]} only {counts[few]}: "
            f"the network will seldom answer {labels[few]}; add pictures of it"
        )

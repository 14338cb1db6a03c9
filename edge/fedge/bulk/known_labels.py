"""What the results say: counts over all partitions, and accuracy where labels are known; read file by file."""

from collections import Counter
from dataclasses import dataclass, field

import pyarrow.parquet as pq

from fedge.bulk.results import Results
from fedge.bulk.rows import TRUTH
from fedge.data.label_map import LabelMap
from fedge.evaluation.fitness import wilson


@dataclass(frozen=True)
class KnownLabels:
    """How the answers meet the known labels.

    Attributes:
        n: pictures that were read and whose known label is one of the model's.
        right: of how many of them the likeliest class is right.
        accuracy: `right` over `n`, 0..1; None of none.
        accuracy_lower95, accuracy_upper95: Wilson's bounds of it, each one-sided.
        answered: how many of them have an answer.
        answered_right: how many of these are right.
        answered_accuracy: `answered_right` over `answered`, 0..1; None of none.
        answered_accuracy_lower95, answered_accuracy_upper95: Wilson's bounds of it, each one-sided.
        foreign: pictures by known label, of labels that the model does not have.
    """

    n: int
    right: int
    accuracy: float | None
    accuracy_lower95: float
    accuracy_upper95: float
    answered: int
    answered_right: int
    answered_accuracy: float | None
    answered_accuracy_lower95: float
    answered_accuracy_upper95: float
    foreign: dict[str, int]


@dataclass
class Counts:
    """What is counted over the rows; `labels` by answer, `foreign` by known label that the model lacks."""

    pictures: int = 0
    errors: int = 0
    rejected: int = 0
    empty: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    known: int = 0
    right: int = 0
    answered: int = 0
    answered_right: int = 0
    foreign: Counter[str] = field(default_factory=Counter)

    def known_labels(self) -> KnownLabels:
        """The accuracy with its bounds."""
        return KnownLabels(
            self.known,
            self.right,
            self.right / self.known if self.known else None,
            *wilson(self.right, self.known),
            self.answered,
            self.answered_right,
            self.answered_right / self.answered if self.answered else None,
            *wilson(self.answered_right, self.answered),
            dict(self.foreign.most_common()),
        )


def count(results: Results, labels: tuple[str, ...], label_map: LabelMap, labelled: bool) -> Counts:
    """Counts the rows of all partitions.

    Args:
        results: the folder.
        labels: the model's.
        label_map: from known labels to the classes that are right.
        labelled: whether the rows have known labels.
    """
    counts = Counts()
    names = ["label", "rejected", "empty", "error", "top", *([TRUTH] if labelled else [])]
    for number in results.numbers():
        columns = pq.read_table(results.path(number), columns=names).to_pydict()
        truths = columns.get(TRUTH, [None] * len(columns["label"]))
        for label, rejected, empty, error, top, truth in zip(
            *(columns[name] for name in names[:5]), truths, strict=True
        ):
            counts.pictures += 1
            counts.errors += error is not None
            counts.rejected += bool(rejected)
            counts.empty += bool(empty)
            if label is not None:
                counts.labels[label] += 1
            if error is None and truth is not None and (right := label_map.right(truth)):
                _compare(counts, truth, right, label, top[0]["label"], labels)
    return counts


def _compare(
    counts: Counts, truth: str, right: tuple[str, ...], label: str | None, best: str, labels: tuple[str, ...]
) -> None:
    if not set(right) & set(labels):
        counts.foreign[truth] += 1
        return
    counts.known += 1
    counts.right += best in right
    counts.answered += label is not None
    counts.answered_right += label in right

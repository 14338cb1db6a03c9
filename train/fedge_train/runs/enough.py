"""What a run's report says of its pictures: enough yet, of which class more, and which of them look wrong."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Point:
    """How many of the pictures were right, 0..1, with one standard error, where heads learned from `share` of them."""

    share: float
    pictures: int
    accuracy: float
    error: float


@dataclass(frozen=True)
class MoreOf:
    """What more pictures of a class are worth; see `fedge_train.training.enough`."""

    label: str
    pictures: int
    worth: float


@dataclass(frozen=True)
class Mislabelled:
    """A picture's file, the class whose folder it is in, and what it looks like, with that class's probability."""

    picture: str
    label: str
    looks_like: str
    probability: float


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes, how many pictures of one are taken for the other, and some of each."""

    labels: tuple[str, ...]
    pictures: int
    shown: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Alike:
    """Two pictures that look alike and should not: of different `classes`, or one of them in another of the `splits`.

    `places` are those among the pictures that are not for the test, and then the test's.
    """

    kind: Literal["classes", "splits"]
    pictures: tuple[str, ...]
    labels: tuple[int, ...]
    places: tuple[int, ...]


@dataclass(frozen=True)
class EnoughReport:
    """Are the pictures enough yet: three `sentences` for people, and what they rest on."""

    sentences: tuple[str, ...]
    learning_curve: tuple[Point, ...]
    more_of: tuple[MoreOf, ...]
    mislabelled: tuple[Mislabelled, ...]
    confused: tuple[ConfusedPair, ...]
    near_duplicates: tuple[Alike, ...]

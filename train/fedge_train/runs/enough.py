"""What a run's report says of its pictures: enough yet, of which class more, and which of them look wrong."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Point:
    """The accuracy on other pictures, 0..1, and its standard error, of heads that learned from `share` of all."""

    share: float
    pictures: int
    accuracy: float
    error: float


@dataclass(frozen=True)
class MoreOf:
    """A class, how many pictures it has, and by how much the mean log loss is higher with half of them: `worth`."""

    label: str
    pictures: int
    worth: float


@dataclass(frozen=True)
class Mislabelled:
    """A picture's file, its folder's class, the class that it looks like, and the probability of the latter, 0..1."""

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

    `places` are their indices among all pictures: first those for training and held out, then those for the test.
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

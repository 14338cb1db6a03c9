"""Whether a model is fit for a camera, said plainly from how it did on the camera's photographs."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

# The rule: it answers at least this share of the pictures, and is right on at least this share of what it answers,
NEEDED_COVERAGE, NEEDED_ACCURACY = 0.80, 0.80
# each with 95% confidence, one-sided, of which this is the normal quantile.
Z_95 = 1.6448536269514722
WEAK_RECALL = 0.5
MOST_PICTURES = 1_000_000


@dataclass(frozen=True)
class Fitness:
    """What the photographs say of the model.

    Attributes:
        fit: `yes`, `no`, or `undecided` where there are too few pictures to tell.
        accuracy_lower95, accuracy_upper95: Wilson's bounds of the accuracy of what is answered, each one-sided, 0..1.
        coverage_lower95, coverage_upper95: the same of the share that is answered.
        pictures_needed: how many pictures would show it at the rates seen here; None where `MOST_PICTURES` would not.
        weak: classes of which less than half is recognized.
        text: all of this for people.
    """

    fit: Literal["yes", "no", "undecided"]
    accuracy_lower95: float
    accuracy_upper95: float
    coverage_lower95: float
    coverage_upper95: float
    pictures_needed: int | None
    weak: tuple[str, ...]
    text: str


def wilson(hits: float, n: float) -> tuple[float, float]:
    """Wilson's score bounds of a share, lower and upper, each one-sided at 95%; 0 and 1 where `n` is 0."""
    if n == 0:
        return 0.0, 1.0
    share = hits / n
    z = Z_95
    middle = share + z * z / (2 * n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


def assess_fitness(n: int, answered: int, right: int, recall: dict[str, tuple[float, int]]) -> Fitness:
    """Judges by the rule: at least 80% answered, at least 80% of that right, each with 95% confidence.

    Args:
        n: how many pictures there were.
        answered, right: how many of them were answered, and how many rightly.
        recall: of each class, the share recognized in 0..1, and of how many pictures.
    """
    accuracy, coverage = wilson(right, answered), wilson(answered, n)
    weak = tuple(label for label, (share, support) in recall.items() if support and share < WEAK_RECALL)
    needed = _pictures_needed(n, answered, right)
    rates = (
        f"it answers {answered} of {n} pictures ({coverage[0]:.0%} to {coverage[1]:.0%}, needed {NEEDED_COVERAGE:.0%}) "
        f"and is right on {right} of these ({accuracy[0]:.0%} to {accuracy[1]:.0%}, needed {NEEDED_ACCURACY:.0%}), "
        "each bound with 95% confidence"
    )
    fit: Literal["yes", "no", "undecided"]
    if accuracy[0] >= NEEDED_ACCURACY and coverage[0] >= NEEDED_COVERAGE:
        fit, text = "yes", f"fit for this camera: {rates}"
    elif accuracy[1] < NEEDED_ACCURACY or coverage[1] < NEEDED_COVERAGE:
        fit, text = "no", f"not fit for this camera: {rates}"
    else:
        how_many = f"about {needed} like these would show that it is fit" if needed else "more may tell"
        fit, text = "undecided", f"too few pictures to say whether it is fit for this camera: {rates}; {how_many}"
    if weak:
        text += f"; less than half is recognized of {', '.join(weak)}"
    return Fitness(fit, *accuracy, *coverage, needed, weak, text)


def _pictures_needed(n: int, answered: int, right: int) -> int | None:
    """The least number of pictures at which the same rates would pass; None where `MOST_PICTURES` would not do."""

    def passes(pictures: int) -> bool:
        share = pictures / n
        return (
            wilson(right * share, answered * share)[0] >= NEEDED_ACCURACY
            and wilson(answered * share, pictures)[0] >= NEEDED_COVERAGE
        )

    if not n or not passes(MOST_PICTURES):
        return None
    low, high = 1, MOST_PICTURES
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle + 1, high)
    return low

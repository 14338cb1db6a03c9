"""The parity gate: is the int8 model as accurate as the float model, within what the test pictures can show?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import hits
from fedge.errors import ParityRefused
from fedge.evaluation.fitness import Z_95

MOST_PICTURES = 10_000_000

Classes = NDArray[np.int64]


@dataclass(frozen=True)
class Parity:
    """Two classifiers compared picture by picture.

    Attributes:
        float_accuracy, int8_accuracy: shares of right answers, 0..1.
        drop_pp: float minus int8 accuracy, in percentage points.
        drop_upper95_pp: the one-sided 95% upper bound of the drop, in percentage points.
        agreement: the share of pictures with the same answer from both, 0..1.
        n: how many pictures.
        per_class: by label, `float` and `int8` (recall, 0..1), `drop_pp` and `support`.
    """

    float_accuracy: float
    int8_accuracy: float
    drop_pp: float
    drop_upper95_pp: float
    agreement: float
    n: int
    per_class: dict[str, dict[str, float]]


def compare(right: NDArray[np.bool_], by_float: Classes, by_int8: Classes, labels: tuple[str, ...]) -> Parity:
    """Compares the float and the int8 model's classes, both int64 [n], against the right ones, bool [n, classes]."""
    n = len(right)
    float_right, int8_right = hits(right, by_float), hits(right, by_int8)
    lost, gained = int(np.sum(float_right & ~int8_right)), int(np.sum(~float_right & int8_right))
    per_class = {}
    for i, label in enumerate(labels):
        members = right[:, i]
        support = int(members.sum())
        a, b = (float(right[members].mean()) if support else 0.0 for right in (float_right, int8_right))
        per_class[label] = {"float": a, "int8": b, "drop_pp": 100 * (a - b), "support": support}
    return Parity(
        float_accuracy=float(float_right.mean()),
        int8_accuracy=float(int8_right.mean()),
        drop_pp=100 * (lost - gained) / n,
        drop_upper95_pp=100 * drop_upper_bound(lost, gained, n),
        agreement=float(np.mean(by_float == by_int8)),
        n=n,
        per_class=per_class,
    )


def drop_upper_bound(lost: int, gained: int, n: int, z: float = Z_95) -> float:
    """The one-sided upper confidence bound of a paired drop in accuracy, as a share in -1..1.

    Tango's score interval for a difference of paired proportions (Statistics in Medicine 17, 1998): unlike the plain
    normal interval it keeps its coverage where few pictures flip, and is above 0 where none does.

    Args:
        lost: pictures that only the float model has right.
        gained: pictures that only the int8 model has right.
        n: all pictures.
        z: the normal quantile of the confidence.
    """
    from scipy.optimize import brentq

    difference = (lost - gained) / n

    def score(drop: float) -> float:
        a = 2 * n
        b = -lost - gained + (2 * n - lost + gained) * drop
        c = -gained * drop * (1 - drop)
        nuisance = (np.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
        variance = n * (2 * nuisance + drop * (1 - drop))
        return float((lost - gained - n * drop) / np.sqrt(max(variance, 1e-300)) + z)

    # At the observed difference the score is z > 0; at a drop of 1 it is far below 0.
    return float(brentq(score, difference + 1e-12, 1 - 1e-12, xtol=1e-10))


def best_bound_pp(n: int) -> float:
    """The least drop, in points, that `n` test pictures can show, where no answer changes; the one-sided 95% bound."""
    return 100 * drop_upper_bound(0, 0, n)


def too_few(n: int, max_drop_pp: float) -> ParityRefused:
    """Why so few test pictures cannot prove that the loss is within `max_drop_pp`, whatever they say."""
    needed = n
    while needed < MOST_PICTURES and best_bound_pp(needed) > max_drop_pp:
        needed = int(needed * 1.05) + 1
    least = best_bound_pp(n)
    more = "" if needed >= MOST_PICTURES else f"give {needed} test pictures or more, or "
    return ParityRefused(
        f"{n} test pictures are too few test pictures to tell: even where no answer changes, the loss could be "
        f"{least:.1f} points, over --max-drop {max_drop_pp:g}",
        f"{more}pictures without labels with --frames, or accept less proof with "
        f"--max-drop {math.ceil(least * 10) / 10:g}, or write an unproved file with --unproved",
    )


def refused(parity: Parity, max_drop_pp: float, pictures: str = "test pictures") -> ParityRefused | None:
    """Why the gate says no; None where the drop's upper bound is within `max_drop_pp` percentage points.

    `pictures` says in words what `parity` was measured on.
    """
    if parity.drop_upper95_pp <= max_drop_pp:
        return None
    change = f"lost {parity.drop_pp:.2f}" if parity.drop_pp >= 0 else f"gained {-parity.drop_pp:.2f}"
    what = (
        f"the int8 model {change} points on {parity.n} {pictures}, and the loss could be "
        f"{parity.drop_upper95_pp:.2f} (one-sided 95% bound), over --max-drop {max_drop_pp:g}"
    )
    if parity.drop_pp <= max_drop_pp:
        needed = pictures_needed(parity, max_drop_pp)
        accept = f"accept more with --max-drop {math.ceil(parity.drop_upper95_pp * 10) / 10:g}"
        if needed is None:
            return ParityRefused(f"{what}: no number of test pictures could show so little", accept)
        return ParityRefused(f"{what}: too few {pictures} to tell", f"give about {needed} {pictures}, or {accept}")
    return ParityRefused(what, "try --method qat with more --qat-epochs, or accept more with --max-drop")


def pictures_needed(parity: Parity, max_drop_pp: float) -> int | None:
    """About how many test pictures would show that the loss is within `max_drop_pp`, if flips stayed as frequent.

    None where that would take more than any data set has.
    """
    flips = 1 - parity.agreement
    room = max_drop_pp / 100 - max(0.0, parity.drop_pp / 100)
    n = parity.n
    while n < MOST_PICTURES:
        n = int(n * 1.1) + 1
        if drop_upper_bound(round(flips * n / 2), round(flips * n / 2), n) <= room:
            return n
    return None

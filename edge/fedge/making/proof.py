"""Which pictures prove that a model lost no more than was allowed, and whether they do."""

from dataclasses import dataclass
from typing import Literal

from fedge.data.dataset import JudgedOn
from fedge.errors import ParityRefused
from fedge.evaluation.parity import Parity, best_bound_pp, refused, too_few
from fedge.making.frames import Changed, Frames, changed_upper_bound, refused_by_frames
from fedge.options import MAX_DROP_PP, MOST_DEFAULT_DROP_PP
from fedge.system.console import echo

Carrier = Literal["test", "out-of-fold", "frames"]
# Where all is well a few answers flip both ways; a bound without a single flip is too tight to ask for.
ROOM = 2


@dataclass(frozen=True)
class Carried:
    """What carries the proof, and how many points may be lost."""

    by: Carrier
    max_drop_pp: float


def carrier(
    test_pictures: int,
    frames: Frames | None,
    max_drop_pp: float | None,
    unproved: bool,
    judged_on: JudgedOn = "test",
    labelled: int = 0,
) -> Carried:
    """Which pictures are to carry the proof: by their number alone, before any answer is known.

    The first that can show it: the test pictures, out-of-fold answers to all `labelled` ones (0 where there are none),
    `frames`. Without `max_drop_pp` it is `MAX_DROP_PP`; where test pictures and labelled ones are too few for that,
    `ROOM` times what the more numerous of them can show, `MOST_DEFAULT_DROP_PP` at most.

    Raises ParityRefused where none is enough to show so little, unless `unproved`.
    """
    kind = "test" if judged_on == "test" else "held-out"
    least = best_bound_pp(test_pictures)
    echo(f"{test_pictures:,} {kind} pictures can show that no more than {least:.2f} points were lost, at best")
    by_folds = best_bound_pp(labelled) if labelled > test_pictures else None
    if by_folds is not None:
        echo(f"answers to all {labelled:,} labelled pictures, each by networks that had not learned it: {by_folds:.2f}")
    by_frames = None
    if frames is not None:
        by_frames = 100 * changed_upper_bound(0, len(frames.images))
        echo(f"{len(frames.images):,} frames can show {by_frames:.2f} points, at best")
    allowed = max_drop_pp
    if allowed is None:
        allowed = _usual(min(bound for bound in (least, by_folds, by_frames) if bound is not None))
    if least <= allowed:
        return Carried("test", allowed)
    if by_folds is not None and by_folds <= allowed:
        return Carried("out-of-fold", allowed)
    if by_frames is not None and (by_frames <= allowed or unproved):
        return Carried("frames", allowed)
    if unproved:
        return Carried("test", allowed)
    raise too_few(test_pictures, allowed)


def _usual(least: float) -> float:
    if least <= MAX_DROP_PP:
        return MAX_DROP_PP
    allowed = round(min(MOST_DEFAULT_DROP_PP, ROOM * least), 2)
    echo(f"so a loss of up to {allowed:g} points is allowed; --max-drop asks for less, more pictures show less")
    return allowed


def refusal_of(
    by: Carrier, parity: Parity, changed: Changed | None, max_drop_pp: float, by_folds: Parity | None = None
) -> ParityRefused | None:
    """Why the gate says no, by the pictures that carry the proof; None where it lets pass."""
    if by == "frames" and changed is not None:
        return refused_by_frames(changed, max_drop_pp)
    if by == "out-of-fold" and by_folds is not None:
        return refused(by_folds, max_drop_pp, "labelled pictures")
    return refused(parity, max_drop_pp)

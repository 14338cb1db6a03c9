"""Which pictures prove that a model lost no more than was allowed, and whether they do."""

from typing import Literal

from fedge.data.dataset import JudgedOn
from fedge.errors import ParityRefused
from fedge.evaluation.parity import Parity, best_bound_pp, refused, too_few
from fedge.making.frames import Changed, Frames, changed_upper_bound, refused_by_frames
from fedge.system.console import echo

Carrier = Literal["test", "frames"]


def carrier(
    test_pictures: int, frames: Frames | None, max_drop_pp: float, unproved: bool, judged_on: JudgedOn = "test"
) -> Carrier:
    """Which pictures are to carry the proof: by their number alone, before any answer is known.

    Raises ParityRefused where neither the test pictures nor the frames are enough to show so little, unless `unproved`.
    """
    least = best_bound_pp(test_pictures)
    kind = "test" if judged_on == "test" else "held-out"
    echo(f"{test_pictures:,} {kind} pictures can show that no more than {least:.2f} points were lost, at best")
    if least <= max_drop_pp:
        return "test"
    if frames is not None:
        by_frames = 100 * changed_upper_bound(0, len(frames.images))
        echo(f"{len(frames.images):,} frames can show {by_frames:.2f} points, at best")
        if by_frames <= max_drop_pp or unproved:
            return "frames"
    if unproved:
        return "test"
    raise too_few(test_pictures, max_drop_pp)


def refusal_of(by: Carrier, parity: Parity, changed: Changed | None, max_drop_pp: float) -> ParityRefused | None:
    """Why the gate says no, by the pictures that carry the proof; None where it lets pass."""
    if by == "frames" and changed is not None:
        return refused_by_frames(changed, max_drop_pp)
    return refused(parity, max_drop_pp)

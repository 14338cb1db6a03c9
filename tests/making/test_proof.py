"""What carries the proof, how much may be lost where nobody says, and that each of the three proofs refuses."""

import numpy as np
import pytest

from fedge.errors import ParityRefused
from fedge.evaluation.parity import best_bound_pp
from fedge.making.frames import Frames, compare_answers
from fedge.making.proof import Carried, carrier, refusal_of
from fedge.options import MAX_DROP_PP
from fedge_quantize.out_of_fold import Answers, compare_all

LABELS = ("a", "b", "c")


def frames(count: int) -> Frames:
    return Frames(np.zeros((count, 4, 4, 1), np.uint8), 0)


def answers(n: int, flipped: int) -> Answers:
    """`n` right answers of the float network, of which int8 gets `flipped` wrong."""
    right = np.arange(n) % 3
    by_int8 = np.where(np.arange(n) < flipped, (right + 1) % 3, right)
    return Answers(np.eye(3, dtype=bool)[right], right, by_int8)


def test_many_test_pictures_carry_it_within_the_usual_half_point() -> None:
    assert carrier(10_000, None, None, unproved=False, labelled=60_000) == Carried("test", MAX_DROP_PP)


def test_of_50_a_class_all_labelled_pictures_carry_it_within_twice_what_they_can_show() -> None:
    found = carrier(30, None, None, unproved=False, labelled=150)
    assert found == Carried("out-of-fold", round(2 * best_bound_pp(150), 2)) and found.max_drop_pp < 4


def test_without_out_of_fold_answers_what_the_test_pictures_can_show_counts() -> None:
    assert carrier(200, None, None, unproved=False) == Carried("test", round(2 * best_bound_pp(200), 2))


def test_frames_carry_it_where_pictures_cannot() -> None:
    assert carrier(30, frames(600), None, unproved=False) == Carried("frames", MAX_DROP_PP)
    assert carrier(30, frames(600), 0.5, unproved=False, labelled=150) == Carried("frames", 0.5)


@pytest.mark.parametrize(("labelled", "asked"), [(0, None), (40, None), (150, 1.0)])
def test_too_few_pictures_are_refused_at_once_whoever_asks(labelled: int, asked: float | None) -> None:
    with pytest.raises(ParityRefused, match="too few test pictures"):
        carrier(30, None, asked, unproved=False, labelled=labelled)
    assert carrier(30, None, asked, unproved=True, labelled=labelled).by == "test"


def test_each_proof_refuses_a_bad_quantization_and_lets_a_good_one_pass() -> None:
    allowed = 3.54
    for flipped, refuses in ((0, False), (12, True)):
        whole = answers(150, flipped)
        parity = compare_all(whole, None, LABELS)
        changed = compare_answers(frames(150), whole.by_float, whole.by_int8)
        good = compare_all(answers(30, 0), None, LABELS)
        for refusal in (
            refusal_of("test", parity, None, allowed),
            refusal_of("frames", good, changed, allowed),
            refusal_of("out-of-fold", good, None, allowed, parity),
        ):
            assert (refusal is not None) is refuses
    refusal = refusal_of("out-of-fold", good, None, allowed, parity)
    assert refusal is not None and "on 150 labelled pictures" in refusal.what


def test_each_labelled_picture_counts_once() -> None:
    parity = compare_all(answers(120, 2), answers(30, 1), LABELS)
    assert parity.n == 150 and parity.drop_pp == pytest.approx(2.0)

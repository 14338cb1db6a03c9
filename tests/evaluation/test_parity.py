import numpy as np
import pytest

from fedge.evaluation.parity import Z_95, compare, drop_upper_bound, pictures_needed, refused

LABELS = ("a", "b")


def test_no_flip_still_leaves_a_bound() -> None:
    # Tango's bound without any flip has the closed form z^2 / (n + z^2).
    for n in (50, 1_000, 10_000):
        assert drop_upper_bound(0, 0, n) == pytest.approx(Z_95**2 / (n + Z_95**2), rel=1e-6)


def test_many_flips_come_to_the_normal_interval() -> None:
    # With 0.6% of 10,000 answers flipped evenly the half-width is z * sqrt(0.006 / 10,000) = 0.127 points; the score
    # interval adds terms of the order z^2 / (2 n) = 0.014 points.
    assert 100 * drop_upper_bound(30, 30, 10_000) == pytest.approx(0.127, abs=0.014)


def test_the_bound_grows_with_what_is_lost_and_shrinks_with_what_is_gained() -> None:
    bounds = [drop_upper_bound(lost, 10, 1_000) for lost in range(0, 60, 5)]
    assert bounds == sorted(bounds)
    assert drop_upper_bound(10, 40, 1_000) < 0 < drop_upper_bound(10, 10, 1_000)


@pytest.mark.parametrize(
    ("lost_rate", "gained_rate", "n"), [(0.004, 0.001, 2_000), (0.02, 0.015, 500), (0.001, 0.0005, 1_000)]
)
def test_the_bound_covers_the_truth_as_often_as_it_says(lost_rate: float, gained_rate: float, n: int) -> None:
    generator = np.random.default_rng(0)
    truth, tries, covered = lost_rate - gained_rate, 2_000, 0
    for lost, gained, _ in generator.multinomial(n, [lost_rate, gained_rate, 1 - lost_rate - gained_rate], tries):
        covered += drop_upper_bound(int(lost), int(gained), n) >= truth
    # 95% asked for; the counts are discrete and the 2,000 tries have a standard error of 0.5 points: 93% is 4 below.
    assert covered / tries >= 0.93


def test_compares_picture_by_picture() -> None:
    truth = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    by_float = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    by_int8 = np.array([0, 0, 1, 0, 1, 1, 0, 0])
    parity = compare(np.eye(2, dtype=bool)[truth], by_float, by_int8, LABELS)
    assert (parity.float_accuracy, parity.int8_accuracy, parity.agreement, parity.n) == (6 / 8, 5 / 8, 5 / 8, 8)
    assert parity.drop_pp == pytest.approx(12.5)
    assert parity.per_class["a"] == {"float": 0.75, "int8": 0.75, "drop_pp": 0.0, "support": 4}
    assert parity.per_class["b"]["drop_pp"] == pytest.approx(25)
    assert parity.drop_upper95_pp == pytest.approx(100 * drop_upper_bound(2, 1, 8))


def flipped(n: int, lost: int, gained: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, float and int8 classes in which so many right answers were lost and gained."""
    truth, by_float, by_int8 = np.zeros(n, int), np.zeros(n, int), np.zeros(n, int)
    by_int8[:lost] = 1
    by_float[lost : lost + gained] = 1
    return np.eye(2, dtype=bool)[truth], by_float, by_int8


def test_any_of_several_right_answers_counts() -> None:
    right = np.array([[True, True], [True, False]])
    parity = compare(right, np.array([0, 0]), np.array([1, 1]), LABELS)
    assert (parity.float_accuracy, parity.int8_accuracy, parity.agreement) == (1.0, 0.5, 0.0)


def test_the_gate_lets_a_shown_parity_through_and_refuses_a_loss() -> None:
    assert refused(compare(*flipped(10_000, 30, 30), LABELS), 0.5) is None
    refusal = refused(compare(*flipped(10_000, 100, 10), LABELS), 0.5)
    assert refusal and "lost 0.90 points on 10000 test pictures" in refusal.what and refusal.exit_code == 3


def test_the_gate_goes_by_the_bound_and_not_by_the_drop() -> None:
    # 0.45 points lost, but with 1.45% flipped the truth may be 0.65: not shown, so refused.
    parity = compare(*flipped(10_000, 95, 50), LABELS)
    assert parity.drop_pp < 0.5 < parity.drop_upper95_pp
    assert refused(parity, 0.5)


def test_too_few_pictures_are_refused_even_without_a_flip_and_the_mend_is_said() -> None:
    parity = compare(*flipped(300, 0, 0), LABELS)
    refusal, needed = refused(parity, 0.5), pictures_needed(parity, 0.5)
    # z^2 / (n + z^2) <= 0.005 needs n >= 539; the search goes up in steps of a tenth.
    assert needed and 539 <= needed <= 600
    assert refusal and "too few test pictures to tell" in refusal.what
    assert f"about {needed} test pictures" in refusal.mend and "--max-drop 0.9" in refusal.mend


def test_what_no_number_of_pictures_can_show_is_not_asked_for() -> None:
    parity = compare(*flipped(300, 0, 0), LABELS)
    refusal = refused(parity, 0.0)
    assert pictures_needed(parity, 0.0) is None
    assert refusal and "no number of test pictures" in refusal.what and "--max-drop 0.9" in refusal.mend


def test_a_gain_passes_a_gate_of_zero() -> None:
    assert refused(compare(*flipped(10_000, 10, 60), LABELS), 0.0) is None

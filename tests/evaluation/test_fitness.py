"""Whether a model is fit for a camera: the rule, its bounds, and when there are too few pictures."""

from math import sqrt

import pytest

from fedge.evaluation.fitness import NEEDED_ACCURACY, Z_95, assess_fitness, wilson

EVERY_CLASS: dict[str, tuple[float, int]] = {"Bag": (0.9, 10)}


@pytest.mark.parametrize(("hits", "n"), [(1, 10), (45, 50), (180, 290), (950, 1000)])
def test_wilsons_bounds_are_where_the_observed_share_is_just_so_far_off(hits: int, n: int) -> None:
    # The definition: a true share p is a bound where the observed one is z standard errors of p away.
    for bound in wilson(hits, n):
        assert abs(hits / n - bound) / sqrt(bound * (1 - bound) / n) == pytest.approx(Z_95)


def test_wilsons_bounds_at_the_ends() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    lower, upper = wilson(20, 20)
    assert upper == 1 and lower == pytest.approx(20 / (20 + Z_95 * Z_95))
    assert wilson(0, 20)[0] == 0


def test_fit_not_fit_and_too_few() -> None:
    assert assess_fitness(300, 290, 270, EVERY_CLASS).fit == "yes"
    assert assess_fitness(300, 290, 190, EVERY_CLASS).fit == "no"
    assert assess_fitness(300, 200, 200, EVERY_CLASS).fit == "no", "right, but silent on a third"
    few = assess_fitness(10, 10, 10, EVERY_CLASS)
    assert few.fit == "undecided" and "too few pictures" in few.text
    assert assess_fitness(0, 0, 0, {}).fit == "undecided"


def test_one_picture_less_would_not_do() -> None:
    needed = assess_fitness(20, 20, 18, EVERY_CLASS).pictures_needed
    assert needed is not None
    assert wilson(0.9 * needed, needed)[0] >= NEEDED_ACCURACY > wilson(0.9 * (needed - 1), needed - 1)[0]
    assert f"about {needed} like these" in assess_fitness(20, 20, 18, EVERY_CLASS).text
    # Ten right answers of ten show 79%, eleven 80%: the fewest pictures that can show fitness.
    assert assess_fitness(10, 10, 10, EVERY_CLASS).pictures_needed == 11
    assert assess_fitness(20, 20, 16, EVERY_CLASS).pictures_needed is None, "at 80% no number shows 80%"


@pytest.mark.parametrize(("answered", "right"), [(2401, 2401), (3000, 2401)])
def test_where_a_million_would_not_do_no_number_is_given(answered: int, right: int) -> None:
    # A 30th of a point above 80% shows from (Z_95 * 0.4 / 0.00033)^2, some four million, on.
    verdict = assess_fitness(3000, answered, right, EVERY_CLASS)
    assert verdict.fit == "undecided" and verdict.pictures_needed is None
    assert "more may tell" in verdict.text and "like these" not in verdict.text


def test_classes_that_are_missed_are_named() -> None:
    verdict = assess_fitness(300, 290, 270, {"Bag": (0.9, 200), "Shirt": (0.4, 90), "Coat": (0.0, 0)})
    assert verdict.fit == "yes" and verdict.weak == ("Shirt",) and verdict.text.endswith("of Shirt")

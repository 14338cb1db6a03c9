from dataclasses import replace

import numpy as np
import pytest

from fedge.errors import FedgeError
from fedge_train.augmentation.mix import mix
from fedge_train.commands.train_settings import TrainOptions, with_options
from fedge_train.networks.plans import PLANS, Plan, with_mix
from fedge_train.training.loop import answer_loss

N, CLASSES = 64, 4
# Each picture is of one value, by which its pixels are told from another one's.
IMAGES = np.broadcast_to((np.arange(N) * 4).astype(np.uint8)[:, None, None, None], (N, 12, 10, 1)).copy()
RIGHT = np.eye(CLASSES, dtype=bool)[np.arange(N) % CLASSES]
NONE = np.zeros((N, CLASSES), np.float32)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_targets_have_the_shares_that_the_pictures_have(kind: str) -> None:
    plan = with_mix(Plan(epochs=1), kind)
    mixed, soft = mix(IMAGES, RIGHT, NONE, plan, np.random.default_rng(0))
    again, same = mix(IMAGES, RIGHT, NONE, plan, np.random.default_rng(0))
    assert np.array_equal(mixed, again) and np.array_equal(soft, same)
    assert mixed.dtype == np.uint8 and mixed.shape == IMAGES.shape and soft.dtype == np.float32
    brought = soft.sum(axis=1)
    assert brought.min() >= 0 and brought.max() <= 0.5 + 1e-6 and brought.max() > 0.1
    if kind == "cutmix":
        # What is not the picture's own value came from the other, unless both are the same picture.
        foreign = (mixed != IMAGES).mean(axis=(1, 2, 3))
        moved = foreign > 0
        # float32 keeps seven digits of a share.
        np.testing.assert_allclose(foreign[moved], brought[moved], atol=1e-6)
        assert moved.any()
    else:
        # Of two values a and b the mixed one is a + share * (b - a), rounded: within half a step.
        other = np.random.default_rng(0).permutation(N)
        a, b = IMAGES[:, 0, 0, 0].astype(float), IMAGES[other, 0, 0, 0].astype(float)
        np.testing.assert_allclose(mixed[:, 0, 0, 0], a + brought * (b - a), atol=0.5 + 1e-4)


def test_the_loss_is_that_of_both_pictures_by_their_shares() -> None:
    plan = with_mix(Plan(epochs=1), "1.0")
    generator = np.random.default_rng(1)
    taught = generator.random((N, CLASSES)).astype(np.float32)
    taught *= 0.4 / taught.sum(axis=1, keepdims=True)
    logits = generator.standard_normal((N, CLASSES)).astype(np.float32)
    _, soft = mix(IMAGES, RIGHT, taught, plan, np.random.default_rng(2))
    drawn = np.random.default_rng(2)
    other, share = drawn.permutation(N), drawn.beta(1, 1, N)
    share = np.maximum(share, 1 - share)
    own = answer_loss(logits, RIGHT, taught).numpy()
    brought = answer_loss(logits, RIGHT[other], taught[other]).numpy()
    expected = share * own + (1 - share) * brought
    # Sums of a few float32 of about 1, each rounded at 6e-8.
    np.testing.assert_allclose(answer_loss(logits, RIGHT, soft).numpy(), expected, atol=1e-5)


def test_no_target_is_more_than_whole() -> None:
    several = RIGHT | np.roll(RIGHT, 1, axis=1)
    _, soft = mix(IMAGES, several, NONE, with_mix(Plan(epochs=1), "cutmix"), np.random.default_rng(3))
    assert soft.sum(axis=1).max() <= 0.5 + 1e-6


def test_a_plan_has_what_was_asked_for_and_by_default_nothing() -> None:
    assert all(plan.mix == "none" for plan in PLANS.values())
    asked = with_options(PLANS["wide"], TrainOptions(mix="0.4"))
    assert (asked.mix, asked.mix_alpha) == ("mixup", 0.4)
    assert with_options(PLANS["wide"], TrainOptions(mix="cutmix")).mix == "cutmix"
    with pytest.raises(FedgeError, match="mix must be mixup, cutmix or a number"):
        with_options(PLANS["wide"], TrainOptions(mix="cut"))
    with pytest.raises(FedgeError, match="mix must be mixup, cutmix or a number"):
        with_options(PLANS["wide"], TrainOptions(mix="0"))
    with pytest.raises(ValueError, match="mix must be above 0"):
        replace(PLANS["wide"], mix_alpha=11)

"""Mixing each picture of a batch with another one, and their targets with them: a regularizer for large networks."""

import numpy as np
from numpy.typing import NDArray

from fedge_train.networks.plans import Plan

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]


def mix(
    images: Images, right: NDArray[np.bool_], soft: Floats, plan: Plan, generator: np.random.Generator
) -> tuple[Images, Floats]:
    """A batch's pictures mixed with those of another order of it, and the soft targets that say so.

    Each keeps a share of at least a half, so that its right class stays the one that it is counted by; the share is
    drawn from a beta distribution with both parameters `plan.mix_alpha`. `mixup` (Zhang and others, 2018) takes the
    mean of pixels, `cutmix` (Yun and others, 2019) puts a rectangle of the other picture in.

    Args:
        images: uint8, [n, height, width, channels]; they stay as they are.
        right: bool, [n, classes]: the right classes.
        soft: float32, [n, classes]: see `training.loop.answer_loss`.
        plan: says how.
        generator: what is drawn from.
    """
    n = len(images)
    other = generator.permutation(n)
    share = generator.beta(plan.mix_alpha, plan.mix_alpha, n)
    share = np.maximum(share, 1 - share)
    if plan.mix == "mixup":
        own = share[:, None, None, None]
        mixed = np.rint(own * images + (1 - own) * images[other]).astype(np.uint8)
    else:
        mixed, share = _cut(images, images[other], share, generator)
    kept = share.astype(np.float32)[:, None]
    # Where several classes are right, each has a part of what the other picture brings.
    hard = (1 - soft.sum(1, keepdims=True)) * right / np.maximum(1, right.sum(1, keepdims=True))
    return mixed, (kept * soft + (1 - kept) * (soft + hard)[other]).astype(np.float32)


def _cut(
    images: Images, others: Images, share: NDArray[np.float64], generator: np.random.Generator
) -> tuple[Images, NDArray[np.float64]]:
    """The pictures with a rectangle of the others in them, and what share of their pixels is their own."""
    _, height, width, _ = images.shape
    side = np.sqrt(1 - share)
    heights, widths = np.rint(side * height).astype(int), np.rint(side * width).astype(int)
    top, left = generator.integers(0, height - heights + 1), generator.integers(0, width - widths + 1)
    rows, columns = np.arange(height), np.arange(width)
    in_rows = (rows >= top[:, None]) & (rows < (top + heights)[:, None])
    in_columns = (columns >= left[:, None]) & (columns < (left + widths)[:, None])
    inside = in_rows[:, :, None] & in_columns[:, None, :]
    return np.where(inside[..., None], others, images), 1 - heights * widths / (height * width)

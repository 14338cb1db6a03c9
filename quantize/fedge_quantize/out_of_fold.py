"""The whole way from a head to an int8 file, tried once for each fold on the pictures that it left out.

Every labelled picture then counts once for what int8 costs, where a test split alone would be too small to show it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tf_keras import Model

from fedge.data.dataset import Split
from fedge.evaluation.parity import Parity, compare
from fedge.system.console import echo
from fedge_quantize.calibration import calibration_set
from fedge_quantize.candidates import emitted_logits
from fedge_quantize.conversion.frozen import convert_frozen
from fedge_train.networks.layer_names import LOGITS
from fedge_train.training.linear_head import features_of_views, fit_head, folds_of, install

Classes = NDArray[np.int64]

# Fewer than for the emitted file: that costs these networks accuracy, if anything, and saves two thirds of the time.
PICTURES = 48


@dataclass(frozen=True)
class Answers:
    """Classes of the float and the int8 network, int64 [n], and the right ones, bool [n, classes]."""

    right: NDArray[np.bool_]
    by_float: Classes
    by_int8: Classes


def out_of_fold_answers(model: Model, pool: Split, strength: float, seed: int) -> Answers:
    """Answers to each picture of `pool` by networks that neither learned it nor were calibrated on it.

    Args:
        model: a backbone with a linear head, float32 input in 0..1; its head is as before afterwards.
        pool: the pictures that the head was learned from.
        strength: the inverse strength of the head's penalty.
        seed: of the choice of calibration pictures.
    """
    views, fold_of = features_of_views(model, pool.images), folds_of(pool.labels)
    by_float, by_int8 = np.empty(len(pool), np.int64), np.empty(len(pool), np.int64)
    layer = model.get_layer(LOGITS)
    learned = layer.get_weights()
    folds = np.unique(fold_of)
    try:
        for number in folds:
            echo(f"int8 without fold {number + 1} of {len(folds)}, on the pictures of that fold")
            left_out, rest = np.flatnonzero(fold_of == number), np.flatnonzero(fold_of != number)
            head = fit_head(views[:, rest], pool.labels[rest], strength)
            install(model, head)
            images = calibration_set(pool.take(rest), seed, PICTURES).images
            flatbuffer = convert_frozen(model, images)
            by_float[left_out] = head.logits(views[0, left_out]).argmax(-1)
            by_int8[left_out] = emitted_logits(flatbuffer, pool.take(left_out).images).argmax(-1)
    finally:
        layer.set_weights(learned)
    return Answers(pool.right, by_float, by_int8)


def compare_all(folds: Answers, test: Answers | None, labels: tuple[str, ...]) -> Parity:
    """Float against int8 over the folds' pictures and, where they are open, the test pictures: each picture once."""
    parts = [folds] if test is None else [folds, test]
    return compare(
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.by_float for part in parts]),
        np.concatenate([part.by_int8 for part in parts]),
        labels,
    )

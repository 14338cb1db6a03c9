"""Which network to train on a folder of photographs: candidates compared on pictures that they have not learned.

A backbone pretrained on ImageNet comes first, because it takes seconds. A small network from random weights is many
times cheaper on the device, and better on plain pictures; it is tried where it may still win and the time allows, on
one of the backbone's cross-validation folds, and chosen where it is at least as good there.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import numpy as np

from fedge.data.dataset import Split, join
from fedge.data.decoded.cache import user_cache
from fedge.data.label_map import LabelMap
from fedge.data.load import Read, Seal, load_dataset
from fedge.images.preprocess import Recipe
from fedge.making.foreign.extractor import Extractor
from fedge.system.console import echo
from fedge_train.networks.extractor_network import extractor_network
from fedge_train.networks.plans import plan_for
from fedge_train.runs.history import Epoch
from fedge_train.training.batches import BatchLoader
from fedge_train.training.linear_head import CrossValidated, Floats, cross_validate, features_of_views, folds_of
from fedge_train.training.loop import Callbacks, fit
from fedge_train.training.start import start_network

BACKBONE, BACKBONE_SIDE = "lite0", 224
SMALL, SMALL_SIDE = "small", 64

# Where the backbone's accuracy is this high, a few hundred pictures cannot show that another network is better.
GOOD_ENOUGH = 0.95
# A trial is pruned where, after the share RUNG of its epochs, it is BEHIND the backbone's accuracy by this much; none
# of the trials that won was.
RUNG, BEHIND = 0.3, 0.25
EPOCHS, LEAST_EPOCHS = 100, 30


@dataclass(frozen=True)
class Choice:
    """The network that was chosen.

    Attributes:
        architecture: its name.
        side: the input's height and width in pixels.
        epochs: how long to train it; None for a head on the frozen backbone.
        head: what heads on the frozen backbone answered, where one of them was chosen.
        views: of the pictures that are not for the test, those to train on first: the backbone's features.
    """

    architecture: str
    side: int
    epochs: int | None = None
    head: CrossValidated | None = None
    views: Floats | None = None


class ToBeat(NamedTuple):
    """The backbone's name, and its accuracy, 0..1, on the pictures that a trial is judged by."""

    name: str
    accuracy: float


class _Pruned(Exception):
    """A trial will not win, or takes too long; `seconds` is how long an epoch takes."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(why)
        self.seconds = seconds


@dataclass(frozen=True)
class PicturePool:
    """Where the pictures are, what their classes are, and the share that is for the test: see `load_dataset`."""

    data: tuple[str, ...]
    label_map: LabelMap
    test_share: float
    read: Read
    seal: Seal

    def load(self, recipe: Recipe) -> Split:
        """All pictures that are not for the test."""
        dataset = load_dataset(self.data, recipe, self.label_map, self.test_share, self.read, self.seal, user_cache())
        return join([dataset.train, dataset.held_out])


def choose(pictures: PicturePool, recipe: Recipe, minutes: float, seed: int, own: Extractor | None = None) -> Choice:
    """Tries the candidates on all pictures that are not for the test, says what each got, and gives the best.

    `minutes` is how long the trials may take; the first one is made in any case. `own` is the backbone of the first
    one, with its own recipe, in place of fedge's.
    """
    deadline = monotonic() + 60 * minutes
    started = monotonic()
    name = own.name if own else BACKBONE
    shown = own.recipe if own else replace(recipe, height=BACKBONE_SIDE, width=BACKBONE_SIDE)
    pool = pictures.load(shown)
    classes = int(pool.labels.max()) + 1
    backbone = extractor_network(own, classes) if own else start_network(BACKBONE, pool.shape, classes, seed)
    fold = folds_of(pool.labels)
    views = features_of_views(backbone, pool.images)
    found = cross_validate(views, pool.labels, fold)
    echo(
        f"tried {name} at {shown.width} px, {'as it is' if own else 'as ImageNet taught it'}, with a new head: "
        f"{found.accuracy:.1%} "
        f"(+- {found.error:.1%}) of {len(pool):,} pictures that it had not learned, in {monotonic() - started:.0f} s"
    )
    chosen = Choice(name, shown.width, head=found, views=views)
    if found.accuracy >= GOOD_ENOUGH:
        echo(f"chose {name}: right on {GOOD_ENOUGH:.0%} or more, it leaves too little for another to win")
        return chosen
    small = pictures.load(replace(recipe, height=SMALL_SIDE, width=SMALL_SIDE))
    epochs = _try_small(small, name, found, deadline, seed)
    chosen = chosen if epochs is None else Choice(SMALL, SMALL_SIDE, epochs=epochs)
    echo(f"chose {chosen.architecture} (--arch asks for another)")
    return chosen


def _try_small(pool: Split, name: str, backbone: CrossValidated, deadline: float, seed: int) -> int | None:
    """The epochs to train the small network for, where it is at least as good as the backbone on the first fold."""
    judged = backbone.fold == 0
    learned, left_out = pool.take(np.flatnonzero(~judged)), pool.take(np.flatnonzero(judged))
    to_beat = ToBeat(name, float(backbone.right[judged].mean()))
    epochs, started = EPOCHS, monotonic()
    what = f"{SMALL} at {SMALL_SIDE} px, from random weights"
    while True:
        try:
            accuracy = _trial(learned, left_out, epochs, to_beat, deadline, seed)
        except _Pruned as given_up:
            possible = int((deadline - monotonic()) / given_up.seconds) if given_up.seconds else 0
            if LEAST_EPOCHS <= possible < epochs:
                epochs = possible
                continue
            echo(f"tried {what}: {given_up}, in {monotonic() - started:.0f} s")
            return None
        echo(
            f"tried {what}: {accuracy:.1%} of {len(left_out):,} pictures that it had not learned, of which {name} "
            f"has {to_beat.accuracy:.1%}, in {monotonic() - started:.0f} s"
        )
        return epochs if accuracy >= to_beat.accuracy else None


def _trial(learned: Split, left_out: Split, epochs: int, to_beat: ToBeat, deadline: float, seed: int) -> float:
    """The accuracy after the last epoch; the best epoch would be chosen on the very pictures that it is judged on."""
    plan = replace(plan_for(SMALL, len(learned)), epochs=epochs, patience=0)
    sources = int(learned.sources.max()) + 1
    model = start_network(SMALL, learned.shape, learned.right.shape[1], seed)

    def prune(epoch: Epoch) -> None:
        # The first epoch also builds the graph.
        if epoch.epoch == 2 and monotonic() + epoch.seconds * (epochs - 2) > deadline:
            minutes = epoch.seconds * epochs / 60
            raise _Pruned(f"it would take {minutes:.1f} minutes, more than --minutes leaves", epoch.seconds)
        if epoch.epoch == round(RUNG * epochs) and epoch.held_out_accuracy < to_beat.accuracy - BEHIND:
            raise _Pruned(
                f"{epoch.held_out_accuracy:.1%} after {epoch.epoch} of {epochs} epochs, where {to_beat.name} has "
                f"{to_beat.accuracy:.1%}: given up",
                0.0,
            )

    with tempfile.TemporaryDirectory() as scratch:
        loader = BatchLoader(learned, plan, (1.0,) * sources)
        _, history = fit(model, loader, left_out, seed, Path(scratch), Callbacks(epoch=prune))
    return history[-1].held_out_accuracy

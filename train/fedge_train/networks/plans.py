"""How each architecture is trained unless the user says otherwise."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from fedge_train.networks.efficientnet_lite import EFFICIENTNET_LITE

# The share of the epochs, the last ones, that skip no picture, so that the final weights come from all of them.
FULL_EPOCHS = 1 / 8


Mix = Literal["none", "mixup", "cutmix"]
# As their authors have it for small pictures.
MIX_ALPHA: dict[str, float] = {"mixup": 0.2, "cutmix": 1.0}


@dataclass(frozen=True)
class Plan:
    """The hyperparameters of a training.

    Attributes:
        optimizer: `adam`, or `sgd` (Nesterov momentum 0.9).
        learning_rate: the peak, reached after `warmup_epochs` and then lowered to zero along a cosine.
        weight_decay: L2 on kernels, added to their gradient.
        label_smoothing: the share of the target spread over all classes.
        ema: decay per step of the running average of the weights, which is what is evaluated and kept; 0 turns it off.
        flip, erase: whether pictures are mirrored, and partly covered by noise.
        shift: how far pictures are moved at most, as a share of their smaller side.
        camera: whether pictures on black are changed to look as if a camera had taken them.
        taught: the share of a picture's target that comes from the teachers' answers, where one learned from its
            source.
        consistent: whether teachers answer to each picture as augmented in that step; else once, to the plain picture.
        variants: how many variants of each photograph are made, before its object is cut out.
        outliers: the share of each batch that are outliers, pictures of none of the classes.
        skip: the share of an epoch's pictures that is left out because the network knows them; neither in the first
            epoch nor in the last ones (`FULL_EPOCHS`).
        mix: whether each picture is mixed with another one of its batch, and their targets with them; see
            `augmentation.mix`.
        mix_alpha: both parameters of the beta distribution of the shares; small: most pictures stay nearly whole.
        patience: training ends after so many epochs that were no better on the held-out pictures; 0: never early.
        stop: training ends with this epoch, whose weights are kept whatever the held-out pictures say; 0: with the last
            one, and the weights of the best are kept. The learning rate falls as over all `epochs`.
    """

    epochs: int
    batch: int = 128
    optimizer: Literal["adam", "sgd"] = "sgd"
    learning_rate: float = 0.1
    warmup_epochs: float = 1.0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    ema: float = 0.0
    flip: bool = False
    shift: float = 0.0
    erase: bool = False
    camera: bool = False
    taught: float = 0.7
    consistent: bool = False
    variants: int = 0
    outliers: float = 0.0
    skip: float = 0.0
    patience: int = 0
    stop: int = 0
    mix: Mix = "none"
    mix_alpha: float = 1.0

    @property
    def last_epoch(self) -> int:
        """The last epoch that is trained, from 1, where patience does not end it."""
        return self.stop or self.epochs

    @property
    def open_set(self) -> bool:
        """Whether the network learns the answer "none of these" too."""
        return self.outliers > 0

    def skipped(self, epoch: int) -> float:
        """The share of its pictures that an epoch, counted from 1, leaves out."""
        return self.skip if 1 < epoch <= self.epochs * (1 - FULL_EPOCHS) else 0.0

    @property
    def unknown_logit(self) -> float | None:
        """The logit of "none of these", which training fixes; None if that was not learned.

        A camera may see outliers more often than training did, for which Bayes' rule would raise this logit; but then
        the scores of pictures of the classes would no longer be calibrated.
        """
        return 0.0 if self.open_set else None

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError("epochs must be at least 1")
        if self.batch < 1:
            raise ValueError("batch must be at least 1")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError("learning_rate must be above 0 and finite")
        if not 0 <= self.taught + self.label_smoothing <= 1:
            raise ValueError("taught and label_smoothing must be shares of one target")
        if not 0 <= self.shift <= 0.5:
            raise ValueError("shift must be from 0 to 0.5")
        if not 0 <= self.variants <= 100:
            raise ValueError("variants must be from 0 to 100")
        if not 0 <= self.outliers <= 0.5:
            raise ValueError("outliers must be from 0 to 0.5")
        if self.outliers and self.batch < 2:
            raise ValueError("batch must be at least 2 where some of it are outliers")
        if not 0 <= self.stop <= self.epochs:
            raise ValueError("stop must be from 0 to epochs")
        if self.patience < 0:
            raise ValueError("patience must be at least 0")
        if not 0 < self.mix_alpha <= 10:
            raise ValueError("mix must be above 0 and at most 10")
        if not 0 <= self.skip <= 0.5:
            raise ValueError("skip must be from 0 to 0.5")


def with_mix(plan: Plan, asked: str) -> Plan:
    """A plan with `mixup`, `cutmix`, or mixup of this strength; raises ValueError for anything else."""
    if asked == "mixup":
        return replace(plan, mix="mixup", mix_alpha=MIX_ALPHA[asked])
    if asked == "cutmix":
        return replace(plan, mix="cutmix", mix_alpha=MIX_ALPHA[asked])
    try:
        return replace(plan, mix="mixup", mix_alpha=float(asked))
    except ValueError as error:
        raise ValueError(f"mix must be mixup, cutmix or a number above 0 and at most 10, not {asked!r}") from error


# The manual's own recipe; the cosine to zero takes the place of a fixed rate because it never ends on a bad epoch.
MANUAL = Plan(epochs=20, optimizer="adam", learning_rate=1e-3, warmup_epochs=0)

# Mirrored garments are garments; shifts and covered parts keep a small network from learning single pixels, and the
# average of the weights saves the epochs that a lower final rate would cost. Leaving out half of the easier four fifths
# takes two thirds of the time for the same held-out accuracy (8 epochs of three blocks: 215 s, 91.8%; 342 s, 91.7%).
RESIDUAL = Plan(
    epochs=24,
    learning_rate=0.1,
    weight_decay=2e-4,
    ema=0.999,
    flip=True,
    shift=1 / 14,
    erase=True,
    skip=0.4,
)

# So few weights underfit: whatever makes the pictures harder costs accuracy.
NANO = replace(RESIDUAL, epochs=60, learning_rate=0.2, weight_decay=4e-5, shift=1 / 28, erase=False)
SMALL = replace(RESIDUAL, epochs=60, weight_decay=1e-4, erase=False)

# A teacher's answer to a plain picture that it was trained on is overfitted; its answer to the same picture, shifted
# and partly covered, is not, so that it may be most of the target. With better teachers too, the held-out loss is 0.129
# after 42 epochs; with half of the target from plain pictures it was 0.143 after 80.
BASE = replace(RESIDUAL, epochs=80, taught=0.8, consistent=True)

# Photographs are few, so this plan is against overfitting.
CAMERA = replace(RESIDUAL, weight_decay=5e-4, label_smoothing=0.1)

# The teachers are smaller, so that their answers are a small share of the target: the student is to become better.
WIDE = replace(RESIDUAL, epochs=36, weight_decay=5e-4, taught=0.3)

# For a network that starts from ImageNet weights: few steps, which do not destroy these.
LITE = Plan(
    epochs=8,
    batch=32,
    optimizer="adam",
    learning_rate=1e-3,
    warmup_epochs=0.5,
    label_smoothing=0.1,
    flip=True,
    shift=0.1,
)

# How many pictures a training on a small set of photographs shows at least; on tens of thousands each plan shows more.
LEAST_PICTURES_SEEN = 200_000
# The best epoch never came later: of 1,852 epochs on 150 photographs it was the 85th.
MOST_EPOCHS = 150
# Of such a plan's epochs, so many in a row without a better one end it.
PATIENCE = 1 / 3
LEAST_BATCH = 16
LEAST_STEPS_PER_EPOCH = 32

# The share of a plan's rate at which a network that knows other classes learns new ones: at the whole rate it forgets
# what it knew (`tests/bench/transfer.py`).
OTHER_CLASSES_RATE = 0.1

PLANS = {"classic": MANUAL, "leaky": MANUAL, "nano": NANO, "small": SMALL, "base": BASE, "camera": CAMERA, "wide": WIDE}
PLANS |= dict.fromkeys(EFFICIENTNET_LITE, LITE)


def plan_for(architecture: str, pictures: int, batch: int | None = None) -> Plan:
    """An architecture's plan, fitted to the number of training pictures, for batches of `batch` if that is given.

    Few get more epochs, which end early where they bring nothing, smaller batches at a lower rate, and are all shown in
    each epoch.
    """
    # One that is spelled out is as large as small, more or less.
    plan = PLANS.get(architecture, SMALL)
    fitting = plan.batch
    while fitting > LEAST_BATCH and pictures < fitting * LEAST_STEPS_PER_EPOCH:
        fitting //= 2
    batch = batch or fitting
    epochs = max(plan.epochs, min(MOST_EPOCHS, math.ceil(LEAST_PICTURES_SEEN / pictures)))
    return replace(
        plan,
        batch=batch,
        # A smaller batch's gradient is noisier, by the square root of the factor.
        learning_rate=plan.learning_rate * math.sqrt(batch / plan.batch),
        skip=plan.skip if fitting == plan.batch else 0.0,
        epochs=epochs,
        patience=round(PATIENCE * epochs) if epochs > plan.epochs else plan.patience,
    )

"""The figures of each epoch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """One epoch's figures: means over its training batches, and over the held-out pictures after it."""

    epoch: int
    loss: float
    accuracy: float
    held_out_loss: float
    held_out_accuracy: float
    seconds: float

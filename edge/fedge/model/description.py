"""What a model file's facts mean, in words."""

from collections.abc import Sequence
from typing import Literal

from fedge.images.preprocess import Subject
from fedge.model.manifest import AnyManifest, ParityFacts, Proof, RecipeFacts

SUBJECTS: dict[Subject, str] = {"whole": "the whole picture", "cut-out": "the object, cut out on black"}
# By whether the training pictures were changed to look as if a camera had taken them.
TRAINED_ON = {False: "on pictures as they are", True: "on pictures changed to look like a camera's"}
MADE_FOR = {False: "pictures like those of {data}", True: "pictures from a camera, of the classes of {data}"}

PICTURES_OF: dict[Literal["test", "held_out"], str] = {"test": "test pictures", "held_out": "held-out pictures"}

PROOFS: dict[Proof, str] = {
    "test": "shown by the test pictures",
    "out-of-fold": "shown by all labelled pictures, each answered by networks that had not learned it",
    "frames": "shown by pictures without labels",
    "none": "UNPROVED: nothing showed that it lost so little",
}


def proved(parity: ParityFacts) -> str:
    """What showed that the drop is as small as it has to be."""
    if parity.proof == "test" and parity.judged_on == "held_out":
        return "shown by held-out pictures; the test pictures were not opened"
    return PROOFS[parity.proof]


def doubt(manifest: AnyManifest) -> str:
    """That nothing showed what quantization lost, as each start with such a model says; empty where something did."""
    if manifest.parity is not None and manifest.parity.proof != "none":
        return ""
    return f"{manifest.name} is unproved: nothing showed that int8 lost no accuracy"


def by_recipe(recipe: RecipeFacts) -> str:
    """Which recipe made a model, and by which steps."""
    trial = f", a trial with {recipe.scale:.2%} of its epochs and pictures" if recipe.scale < 1 else ""
    return f"{recipe.name} (SHA-256 {recipe.sha256}): {', '.join(step.name for step in recipe.steps)}{trial}"


def learned_from(start: str | None, teachers: Sequence[str], averaged: Sequence[str]) -> str:
    """What a network started from, its teachers, and the runs it is the mean of: words that follow what it was trained
    on."""
    return (
        (f" from {start}" if start else "")
        + (f", taught by {' and '.join(teachers)}" if teachers else "")
        + (f", the mean of {' and '.join(averaged)}" if averaged else "")
    )

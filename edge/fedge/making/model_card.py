"""The model card that travels in the model file: Markdown behind YAML, as sites that list models read it."""

import json
from collections.abc import Sequence

from fedge.model.description import PICTURES_OF, SUBJECTS, TRAINED_ON, by_recipe, learned_from, proved
from fedge.model.manifest import Manifest

SCORES = {"probability": "likeliest class's probability", "energy": "score of the energy of all classes together"}


def front_matter(name: str, data: str, labels: Sequence[str], accuracy: float | None) -> str:
    """The card's YAML: what kind of model it is, and its accuracy on pictures of `data` (0..1; None: not measured)."""
    lines = [
        "---",
        "library_name: fedge",
        "pipeline_tag: image-classification",
        "tags: [tflite, int8, raspberry-pi]",
        # JSON's strings are YAML's, whatever a name holds.
        f"model_name: {json.dumps(name)}",
        f"labels: {json.dumps(list(labels))}",
        f"trained_on: [{json.dumps(data)}]",
    ]
    if accuracy is not None:
        lines += ["metrics: [accuracy]", f"accuracy: {accuracy:.4f}"]
    return "\n".join([*lines, "---", "", ""])


def model_card(manifest: Manifest, labels: tuple[str, ...]) -> str:
    """Markdown for people: what the model is, what it was measured at, and what it does not know."""
    training, parity, recipe = manifest.training, manifest.parity, manifest.preprocessing
    below = manifest.confidence.reject_below
    learned = learned_from(training.start, training.teachers, training.averaged)
    recipe_line = f"\nMade by the recipe {by_recipe(training.recipe)}.\n" if training.recipe else ""
    yaml = front_matter(manifest.name, training.data, labels, parity.int8_accuracy)
    return f"""{yaml}# {manifest.name}

An int8 image classifier made by fedge: {training.architecture}, {training.parameters:,} parameters, trained on
{training.data} (seed {training.seed}, {training.epochs} epochs{learned}),
{TRAINED_ON[training.camera_like]}.
{recipe_line}
Input: {SUBJECTS[recipe.subject]}, {recipe.width}x{recipe.height} pixels, {recipe.color}, uint8.
Classes: {", ".join(labels)}.

| measured on {parity.n:,} {PICTURES_OF[parity.judged_on]} | |
|---|---|
| accuracy, float | {parity.float_accuracy:.2%} |
| accuracy, this file | {parity.int8_accuracy:.2%} |
| drop | {parity.drop_pp:.2f} points; with 95% confidence at most {parity.drop_upper95_pp:.2f} |
| same answer from both | {parity.agreement:.2%} |
| quantized by | {parity.method} |
| a drop of at most {parity.max_drop_pp:g} points | {proved(parity)} |

The figures hold for pictures like the test pictures. In front of a camera, light, background and distance differ:
measure with `fedge eval` on photographs from the camera before relying on it. An answer is refused as unknown where
the {SCORES[manifest.confidence.score]} is below {below.normal:.3f}, with `--reject strict` below {below.strict:.3f}; a
picture of something else can still score higher.

Check this file on a device with `fedge verify`; classify with `fedge run`.
"""

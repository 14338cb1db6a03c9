"""Hours of one processor core that each training step of the shipped recipes takes.

python tests/bench/recipe_hours.py [--steps 40] [--photographs 3068]

Each step's network, plan and teachers, all of random weights, learn from some batches of Fashion-MNIST by
`fedge_train.training.loop.Trainer`; the processor time of a picture, which other programs disturb less than the clock,
is then multiplied by the pictures that the recipe shows. Evaluation of the held-out pictures after each epoch and the
teachers' answers before the first one are counted too; variants of photographs, made once, are not.
"""

import argparse
from dataclasses import replace
from time import process_time

# Before anything imports cv2: see there.
import bench_common  # noqa: F401
import numpy as np
import tf_keras as keras

from fedge.data import fashion_mnist
from fedge.data.dataset import Split
from fedge.data.label_map import LabelMap
from fedge.data.load import default_recipe, load_dataset
from fedge.model.confidence import softmax
from fedge_train.commands.train_settings import TrainOptions, with_options
from fedge_train.networks.architectures import build
from fedge_train.networks.plans import Plan, plan_for
from fedge_train.networks.predict import Predictor, predictor
from fedge_train.recipes.recipe import Recipe, Step, read_recipe, shipped_recipes
from fedge_train.training.batches import BatchLoader
from fedge_train.training.distillation import Images, Probabilities
from fedge_train.training.loop import Callbacks, Trainer

HELD_OUT = 5_000


def shown(options: TrainOptions, plan: Plan, learned: int, photographs: int) -> float:
    """How many pictures a whole training shows; each photograph is there once more for each of its variants."""
    counts = [learned if name == fashion_mnist.NAME else photographs * (1 + plan.variants) for name in options.data]
    epoch = sum(weight * n for weight, n in zip(options.weights or (1.0,) * len(counts), counts, strict=True))
    return sum(epoch * (1 - plan.skipped(number)) for number in range(1, plan.epochs + 1))


def seconds_a_picture(plan: Plan, architecture: str, split: Split, teachers: list[Predictor], steps: int) -> float:
    """Processor time of learning from one picture, with the teachers' answers where they answer in each step."""

    def answers(chosen: np.ndarray, pictures: Images) -> Probabilities:
        return np.mean([softmax(teach(pictures).astype(np.float64)) for teach in teachers], axis=0).astype(np.float32)

    few = split.take(np.arange(steps * plan.batch))
    known = answers if plan.consistent and teachers else None
    # Packaged pictures alone, so no crops: they would cost nothing in a step.
    loader = BatchLoader(few, replace(plan, skip=0.0), (1.0,), known)
    trainer = Trainer(build(architecture, split.shape, len(fashion_mnist.LABELS)), loader, 0)
    # The first epoch builds the graph.
    trainer.train_epoch(1, Callbacks())
    began = process_time()
    trainer.train_epoch(2, Callbacks())
    return (process_time() - began) / len(few)


def seconds_an_answer(answer: Predictor, split: Split) -> float:
    """Processor time of answering to one picture."""
    few = split.images[:2_000]
    answer(few)
    began = process_time()
    answer(few)
    return (process_time() - began) / len(few)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40, help="batches that are timed of each step")
    parser.add_argument("--photographs", type=int, default=3_068, help="training photographs of `camera`")
    arguments = parser.parse_args()
    split = load_dataset((fashion_mnist.NAME,), default_recipe((fashion_mnist.NAME,)), LabelMap()).train
    networks: dict[str, Predictor] = {}
    done: set[str] = set()
    print(f"{'recipe':8}{'step':16}{'network':9}{'epochs':>7}{'ms a picture':>14}{'core-hours':>12}")
    for recipe in map(read_recipe, shipped_recipes()):
        for step in recipe.steps:
            if step.options is None or step.options.final_fit or step.sha256 in done:
                continue
            done.add(step.sha256)
            each, hours = measured(recipe, step, split, networks, arguments.steps, arguments.photographs)
            epochs, network = step.options.epochs, step.options.architecture
            print(f"{recipe.name:8}{step.name:16}{network:9}{epochs:>7}{each * 1e3:>14.2f}{hours:>12.1f}", flush=True)


def measured(
    recipe: Recipe, step: Step, split: Split, networks: dict[str, Predictor], steps: int, photographs: int
) -> tuple[float, float]:
    """Seconds of one core for a picture that is learned, and hours of one core for the whole step."""
    options = step.options
    assert options is not None and options.architecture is not None
    plan = with_options(plan_for(options.architecture, len(split)), options)
    by_name = {each.name: each.options for each in recipe.steps}
    taught_by = [str(by_name[name].architecture) for name in options.teachers if by_name[name] is not None]
    for name in {options.architecture, *taught_by} - networks.keys():
        keras.utils.set_random_seed(0)
        networks[name] = predictor(build(name, split.shape, len(fashion_mnist.LABELS)))
    teachers = [networks[name] for name in taught_by]
    each = seconds_a_picture(plan, options.architecture, split, teachers, steps)
    # A plain picture and its mirror, once.
    asked = 0 if plan.consistent else 2 * (len(split) + photographs * (1 + plan.variants) * (len(options.data) - 1))
    before = asked * sum(seconds_an_answer(teach, split) for teach in teachers)
    after = HELD_OUT * plan.epochs * seconds_an_answer(networks[options.architecture], split)
    return each, (each * shown(options, plan, len(split), photographs) + before + after) / 3600


if __name__ == "__main__":
    main()

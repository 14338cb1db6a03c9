"""The `fedge average` command's work: one network out of several runs that went on from the same one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tf_keras import Model

from fedge.data.dataset import Dataset
from fedge.errors import RunError
from fedge.system.console import echo
from fedge_train.networks.predict import predictor, weights_of
from fedge_train.runs.report import Outcome, TrainReport, write_report
from fedge_train.runs.run_folder import (
    RunConfig,
    TrainingCost,
    load_float_model,
    load_run_data,
    new_folder,
    read_config,
    read_cost,
    require_empty,
    save_weights,
    tool_versions,
    write_config,
)
from fedge_train.training.loop import Weights, validate

# What all runs must have in common for their weights to have a mean, and for the held-out pictures to be new to each.
ALIKE = ("architecture", "data", "labels", "recipe", "data_sha256", "test_share", "sealed")
ALIKE_IN_PLAN = ("camera", "open_set")


@dataclass(frozen=True)
class TrainedRun:
    """A finished run: its folder, how it was trained, what that took, its weights, and their held-out loss."""

    folder: Path
    config: RunConfig
    cost: TrainingCost
    weights: Weights
    loss: float


def average(folders: Sequence[Path], out: Path | None) -> TrainReport:
    """Averages the weights of runs, writes a run of the result, and gives its report.

    Starts with the run of the least loss on the held-out pictures, and adds the others in the order of their loss, each
    only where that lowers the mean's loss ("greedy soup", Wortsman and others, 2022). Raises RunError where runs are
    not alike, or no mean is better than the best run.
    """
    if len({folder.resolve() for folder in folders}) < max(2, len(folders)):
        raise RunError("a mean takes two different runs or more", "name each run once")
    if out:
        require_empty(out, "choose another --out")
    configs = [read_config(folder) for folder in folders]
    costs = [read_cost(folder) for folder in folders]
    _require_alike(folders, configs)
    if any(config.final_fit for config in configs):
        raise RunError("a last fit holds out no pictures by which a mean could be chosen", "average other runs")
    dataset = load_run_data(folders[0], configs[0], with_test=False)
    model = load_float_model(folders[0], configs[0])
    predict = predictor(model)

    # By the loss, to which every picture contributes: accuracy moves with the few answers that flip, which is chance on
    # a few hundred photographs.
    def held_out(weights: Weights) -> tuple[float, float]:
        model.set_weights(weights)
        loss, accuracy = validate(predict, dataset.held_out)
        # A run that diverged has the loss NaN, which compares as neither less nor more.
        return loss if math.isfinite(loss) else math.inf, accuracy

    runs = []
    for folder, config, cost in zip(folders, configs, costs, strict=True):
        weights = weights_of(load_float_model(folder, config))
        loss, accuracy = held_out(weights)
        runs.append(TrainedRun(folder, config, cost, weights, loss))
        echo(f"{folder}: held-out loss {loss:.4f}, accuracy {accuracy:.4f}")
    best, *rest = sorted(runs, key=lambda run: run.loss)
    kept, least = [best], best.loss
    for run in rest:
        loss, accuracy = held_out(_mean([*kept, run]))
        left_out = "" if loss < least else ", so it is left out"
        echo(f"with {run.folder}: held-out loss {loss:.4f}, accuracy {accuracy:.4f}{left_out}")
        if loss < least:
            kept, least = [*kept, run], loss
    if len(kept) == 1:
        raise RunError(
            f"no mean with another run is better on the held-out pictures than {best.folder} alone",
            "take that run, or average runs that went on from the same one",
        )
    _, accuracy = held_out(_mean(kept))
    return _write(out or new_folder(f"{best.folder.resolve().name}-mean"), kept, model, dataset, accuracy)


def _write(folder: Path, kept: Sequence[TrainedRun], model: Model, dataset: Dataset, accuracy: float) -> TrainReport:
    teachers = tuple(dict.fromkeys(teacher for run in kept for teacher in run.config.teachers))
    config = replace(
        kept[0].config,
        averaged=tuple(str(run.folder.resolve()) for run in kept),
        start=None,
        teachers=teachers,
        origins={name: sha for run in kept for name, sha in run.config.origins.items() if name in teachers},
        versions=tool_versions(),
    )
    outcome = Outcome(
        epochs=sum(run.cost.epochs for run in kept),
        held_out_accuracy=accuracy,
        seconds=sum(run.cost.seconds for run in kept),
        averaged=tuple(str(run.folder) for run in kept),
    )
    save_weights(folder, model)
    report = write_report(folder, config, model, dataset, outcome)
    # Last: before that the folder is no run, and none that `fedge train --resume` could take for an interrupted one.
    write_config(folder, config)
    return report


def _mean(runs: Sequence[TrainedRun]) -> Weights:
    return [
        np.mean(each, axis=0, dtype=np.float64).astype(each[0].dtype)
        for each in zip(*(run.weights for run in runs), strict=True)
    ]


def _require_alike(folders: Sequence[Path], configs: Sequence[RunConfig]) -> None:
    facts = [
        {name: getattr(config, name) for name in ALIKE} | {name: getattr(config.plan, name) for name in ALIKE_IN_PLAN}
        for config in configs
    ]
    for folder, other in zip(folders, facts, strict=True):
        differing = [name for name, value in facts[0].items() if other[name] != value]
        if differing:
            raise RunError(
                f"{folders[0]} and {folder} differ in {' and '.join(differing)}",
                "average runs of one architecture that learned from the same pictures, made in the same way",
            )

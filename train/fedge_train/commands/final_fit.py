"""A last fit: a run anew on all its training pictures, those that it held out too, where nothing is left to choose.

The run that held them out says for how many epochs. Temperature and thresholds are fitted to that run's answers to its
held-out pictures, which it had not learned. The last fit has learned them, and would be too sure of them. It has seen
more pictures, so that it is to be expected to be right somewhat more often than these scores say, not less.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np

from fedge.data.dataset import Dataset
from fedge.errors import RunError
from fedge_train.commands.train_data import picture_files, resolved
from fedge_train.commands.train_settings import USED, Start, TrainOptions
from fedge_train.networks.predict import predictor
from fedge_train.runs.out_of_fold import OutOfFold, write_out_of_fold
from fedge_train.runs.pretrained import require_unchanged
from fedge_train.runs.report import Answers
from fedge_train.runs.run_folder import (
    REPORT,
    RunConfig,
    load_float_model,
    load_run_data,
    new_folder,
    read_config,
    require_empty,
    tool_versions,
    weights_path,
    with_held_out,
)

# What goes with a last fit; all else is as in the run.
WITH_FINAL_FIT = ("final_fit", "data", "out", "tracks", "resume")
# Of fields that are not called like their flags.
_FLAGS = {
    "label_map": "map",
    "architecture": "arch",
    "sealed": "no-test",
    "start": "from",
    "teachers": "teacher",
    "weights": "weight",
}


def start_final_fit(options: TrainOptions) -> Start:
    """The last fit of the finished run `options.final_fit`; nothing is written yet.

    Raises FedgeError where the run has not ended, cannot be fitted anew, or other options than its are asked for.
    """
    assert options.final_fit is not None
    for field in dataclasses.fields(TrainOptions):
        if field.name not in WITH_FINAL_FIT and getattr(options, field.name) != field.default:
            flag = _FLAGS.get(field.name, field.name.replace("_", "-"))
            raise RunError(f"--final-fit trains as {options.final_fit} was trained, without --{flag}", "leave it out")
    if options.out:
        require_empty(options.out, USED)
    folder = options.final_fit
    held_out_run = read_config(folder)
    weights_path(folder)
    if held_out_run.head is not None or held_out_run.averaged or held_out_run.final_fit:
        raise RunError(
            f"{folder} is a head, a mean or a last fit, which holds out no pictures or has no epochs of its own",
            "give a run that was trained as a whole",
        )
    require_unchanged(held_out_run.origins, folder, held_out_run)
    plan = dataclasses.replace(held_out_run.plan, patience=0, stop=_best_epoch(folder))
    config = dataclasses.replace(
        held_out_run, plan=plan, final_fit=str(folder.resolve()), data=resolved(options.data) or held_out_run.data
    )
    config = dataclasses.replace(config, versions=tool_versions())
    files = picture_files(plan.variants, plan.outliers)
    dataset = load_run_data(folder, held_out_run, options.data, files.read_with_notes, with_test=False)
    out = options.out or new_folder(f"{folder.resolve().name}-final")
    return Start(out, config, with_held_out(dataset), files)


def held_out_answers(config: RunConfig, dataset: Dataset) -> Answers:
    """What the run that held them out answers to the held-out pictures in which an object was found."""
    assert config.final_fit is not None
    run = Path(config.final_fit)
    seen = dataset.held_out.take(np.flatnonzero(~dataset.held_out.empty))
    return Answers(seen, predictor(load_float_model(run, read_config(run)))(seen.images))


def keep_answers(folder: Path, answers: Answers) -> None:
    """Keeps these answers in a last fit's folder, for temperature and thresholds to be fitted to them."""
    write_out_of_fold(folder, OutOfFold(answers.logits, answers.split.right, answers.split.sources))


def _best_epoch(folder: Path) -> int:
    try:
        found = int(json.loads((folder / REPORT).read_text(encoding="utf-8"))["best_epoch"])
    except OSError as error:
        raise RunError(f"{folder} has no {REPORT}", f"finish it with `fedge train --resume --out {folder}`") from error
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{folder / REPORT} does not say its best epoch", "train again") from error
    if found < 1:
        raise RunError(f"{folder / REPORT} does not say its best epoch", "train again")
    return found

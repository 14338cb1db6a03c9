"""The search: trials one after the other, until there are enough or the time is over."""

import dataclasses
import shutil
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import optuna

from fedge.errors import RunError
from fedge.system.console import echo
from fedge_quantize.tuning.settings import TuneOptions
from fedge_quantize.tuning.space import draw
from fedge_quantize.tuning.study import ENDED, LIMITS, over_limits

if TYPE_CHECKING:
    from fedge_quantize.tuning.trial import Measured
    from fedge_train.runs.history import Epoch


def search(study: optuna.Study, options: TuneOptions) -> None:
    """Goes on with the study until it has `trials` that have ended, or `minutes` are over. Raises FedgeError."""
    deadline = monotonic() + 60 * options.minutes
    if left(study, options) <= 0:
        return
    stop = optuna.study.MaxTrialsCallback(options.trials, states=ENDED)

    def objective(trial: optuna.Trial) -> float:
        return _objective(trial, options, deadline)

    study.optimize(objective, timeout=60 * options.minutes, callbacks=[stop])


def left(study: optuna.Study, options: TuneOptions) -> int:
    """How many trials are still to be made."""
    return options.trials - len(study.get_trials(deepcopy=False, states=ENDED))


def _objective(trial: optuna.Trial, options: TuneOptions, deadline: float) -> float:
    # TensorFlow takes seconds to load, which a study that has all its trials does not need.
    from fedge_quantize.tuning.trial import least_bytes, run_trial, start_trial

    chosen = draw(trial, options)
    folder = _free_folder(options.out, trial.number)
    facts = {"architecture": chosen.architecture, "size": chosen.size, "method": chosen.method, "run": str(folder)}
    for name, value in facts.items():
        trial.set_user_attr(name, value)
    start = start_trial(chosen, options, folder)
    echo(f"trial {trial.number}: {chosen.architecture} at {chosen.size} px, {chosen.method}")
    least = least_bytes(start)
    if options.max_bytes is not None and least > options.max_bytes:
        trial.set_user_attr(LIMITS, over_limits(options, least, None, None))
        raise end_early(trial, f"it has {least:,} bytes at least")

    def watch(epoch: "Epoch") -> None:
        trial.report(epoch.held_out_accuracy, epoch.epoch)
        if monotonic() > deadline:
            raise end_early(trial, "the time is over")
        if trial.should_prune():
            raise end_early(trial, f"worse than the others after {epoch.epoch} epochs")

    try:
        measured = run_trial(start, chosen, options, watch)
    except optuna.TrialPruned:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except RunError as error:
        # Its rate was too high for it: that is a result too.
        shutil.rmtree(folder, ignore_errors=True)
        raise end_early(trial, error.what) from error
    return tell(trial, measured, options)


def tell(trial: optuna.Trial, measured: "Measured", options: TuneOptions) -> float:
    """Notes what a trial came to, and gives what is to be made the most of: its accuracy on held-out pictures."""
    for name, value in dataclasses.asdict(measured).items():
        trial.set_user_attr(name, value)
    trial.set_user_attr(LIMITS, over_limits(options, measured.bytes, measured.ms, measured.drop_upper95_pp))
    took = "" if measured.ms is None else f", {measured.ms:.2f} ms a frame"
    echo(f"trial {trial.number}: {measured.accuracy:.2%} held out in int8, {measured.bytes:,} bytes{took}")
    return measured.accuracy


def end_early(trial: optuna.Trial, reason: str) -> optuna.TrialPruned:
    """What ends a trial early, with the reason noted."""
    trial.set_user_attr("reason", reason)
    echo(f"trial {trial.number}: given up: {reason}")
    return optuna.TrialPruned(reason)


def _free_folder(out: Path, number: int) -> Path:
    """The run folder of a trial; what a killed worker left there is removed."""
    folder = out / f"trial-{number:04d}"
    if folder.exists():
        shutil.rmtree(folder)
    return folder

"""The `fedge train` command's work."""

import sys
from collections.abc import Sequence
from typing import Any

import tf_keras as keras

from fedge.data.dataset import Dataset
from fedge.errors import RunError
from fedge.system.console import tell
from fedge_train.commands.head import learn_head
from fedge_train.commands.train_settings import TrainOptions, resume_run, start_run
from fedge_train.runs.pretrained import pretrained
from fedge_train.runs.report import write_history, write_report
from fedge_train.runs.run_folder import (
    CHECKPOINTS,
    CONFIG,
    RunConfig,
    load_float_model,
    save_weights,
    write_config,
)
from fedge_train.training.batches import lessons_of
from fedge_train.training.loop import fit
from fedge_train.training.progress_bar import TrainingBar
from fedge_train.training.start import start_network


def train(options: TrainOptions) -> dict[str, Any]:
    """Trains, or goes on training, and gives the run's report. Raises FedgeError."""
    start = resume_run(options) if options.resume else start_run(options)
    folder, config, dataset = start.folder, start.config, start.dataset
    _say_what_was_left_out(dataset)
    if config.head is not None:
        return learn_head(start, config.head)
    # Teachers answer in float32, whatever the pupil is trained in.
    lessons = lessons_of(config, dataset)
    model = _new_model(config, dataset)
    if not (folder / CONFIG).is_file():
        write_config(folder, config)
    tell(
        f"training {config.architecture} ({model.count_params():,} parameters) on {len(lessons):,} pictures "
        f"an epoch, {len(dataset.held_out):,} held out, for {config.plan.epochs} epochs in {config.dtype} -> {folder}"
    )
    try:
        with TrainingBar(lessons) as bar:
            best, history = fit(model, lessons, dataset.held_out, config.seed, folder / CHECKPOINTS, bar.watcher())
    except KeyboardInterrupt:
        tell(f"go on with `fedge train --resume --out {folder}`")
        raise
    model.set_weights(best.weights)
    save_weights(folder, model)
    # Bfloat16 is only for training: what is reported and quantized is the float32 network.
    keras.mixed_precision.set_global_policy("float32")
    write_history(folder, history, best.epoch)
    training = {
        "epochs": len(history),
        "best_epoch": best.epoch,
        "held_out_accuracy": best.accuracy,
        "seconds": sum(epoch.seconds for epoch in history),
    }
    return write_report(folder, config, load_float_model(folder, config), dataset, training)


def _new_model(config: RunConfig, dataset: Dataset) -> keras.Model:
    keras.mixed_precision.set_global_policy(config.dtype)
    if config.start is None:
        return start_network(config.architecture, config.recipe.shape, len(config.labels), config.seed)
    keras.utils.set_random_seed(config.seed)
    start = pretrained(config.start)
    if start.architecture != config.architecture:
        raise RunError(f"{start.name} is a {start.architecture}", "leave out --arch")
    return start.network(config.recipe.shape, config.labels, dataset.train.images)


def _say_what_was_left_out(dataset: Dataset) -> None:
    _list("files are no pictures that can be read, or stand where none belong", dataset.skipped)
    _list("pictures are in a later split too and were kept out of training", dataset.duplicates)


def _list(what: str, names: Sequence[str]) -> None:
    if names:
        print(f"fedge: {len(names)} {what}:", *names[:20], sep="\n  ", file=sys.stderr)
        if len(names) > 20:
            print(f"  and {len(names) - 20} more, all in report.json", file=sys.stderr)

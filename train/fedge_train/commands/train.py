"""The `fedge train` command's work."""

import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import tf_keras as keras

from fedge.data.dataset import Dataset
from fedge.errors import RunError
from fedge.system.console import echo
from fedge.system.files import write_json
from fedge_train.commands.train_settings import TrainOptions, resume_run, start_run
from fedge_train.networks.predict import predictor
from fedge_train.runs.pretrained import pretrained
from fedge_train.runs.report import Outcome, TrainReport, write_history, write_report
from fedge_train.runs.run_folder import (
    CHECKPOINTS,
    CONFIG,
    HISTORY,
    RunConfig,
    load_float_model,
    save_weights,
    write_config,
)
from fedge_train.training.batches import make_loader
from fedge_train.training.linear_head import learn_head, two_views
from fedge_train.training.loop import fit, validate
from fedge_train.training.progress_bar import TrainingBar
from fedge_train.training.start import start_network


def train(options: TrainOptions) -> TrainReport:
    """Trains, or goes on training, and gives the run's report. Raises FedgeError."""
    folder, config, dataset = resume_run(options) if options.resume else start_run(options)
    _say_what_was_left_out(dataset)
    if config.head is not None:
        return _learn_head(folder, config, dataset, config.head)
    # Teachers answer in float32, whatever precision the student is trained in.
    loader = make_loader(config, dataset)
    model = _new_model(config, dataset)
    if not (folder / CONFIG).is_file():
        write_config(folder, config)
    echo(
        f"training {config.architecture} ({model.count_params():,} parameters) on {len(loader):,} pictures "
        f"an epoch, {len(dataset.held_out):,} held out, for {config.plan.epochs} epochs in {config.dtype} -> {folder}"
    )
    try:
        with TrainingBar(loader) as bar:
            best, history = fit(model, loader, dataset.held_out, config.seed, folder / CHECKPOINTS, bar.callbacks())
    except KeyboardInterrupt:
        echo(f"go on with `fedge train --resume --out {folder}`")
        raise
    model.set_weights(best.weights)
    save_weights(folder, model)
    # Bfloat16 is only for training: what is reported and quantized is the float32 network.
    keras.mixed_precision.set_global_policy("float32")
    write_history(folder, history, best.figures.epoch)
    outcome = Outcome(len(history), best.figures.accuracy, sum(epoch.seconds for epoch in history), best.figures.epoch)
    return write_report(folder, config, load_float_model(folder, config), dataset, outcome)


def _learn_head(folder: Path, config: RunConfig, dataset: Dataset, strength: float) -> TrainReport:
    """Learns a linear head on the backbone's ImageNet features, and gives the run's report."""
    started = monotonic()
    write_config(folder, config)
    echo(f"learning a head for {config.architecture} from {len(dataset.train):,} pictures -> {folder}")
    model = start_network(config.architecture, config.recipe.shape, len(config.labels), config.seed)
    views = two_views(model, dataset.train.images)
    learn_head(model, views, dataset.train.labels, len(config.labels), strength)
    save_weights(folder, model)
    write_json(folder / HISTORY, [])
    accuracy = validate(predictor(model), dataset.held_out)[1]
    outcome = Outcome(0, accuracy, monotonic() - started, best_epoch=0)
    return write_report(folder, config, load_float_model(folder, config), dataset, outcome)


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
    _list("pictures are doubtful, and are learned from all the same", dataset.doubtful)
    for warning in dataset.warnings:
        echo(warning)
    _list("pictures are in a later split too and were kept out of training", dataset.duplicates)


def _list(what: str, names: Sequence[str]) -> None:
    if names:
        print(f"fedge: {len(names)} {what}:", *names[:20], sep="\n  ", file=sys.stderr)
        if len(names) > 20:
            print(f"  and {len(names) - 20} more, all in report.json", file=sys.stderr)

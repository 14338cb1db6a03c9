"""The `fedge train` command's work."""

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import tensorflow as tf
import tf_keras as keras

from fedge.data.dataset import Dataset, hits
from fedge.errors import RunError
from fedge.model.format.schema import to_json
from fedge.system.console import echo
from fedge_train.commands.final_fit import held_out_answers, keep_answers, start_final_fit
from fedge_train.commands.head import learn_head
from fedge_train.commands.train_settings import USED, Start, TrainOptions, resume_run, start_run
from fedge_train.commands.workers import require_shareable, seconds_of_a_step, shared_model, told_once
from fedge_train.networks.replicas import Replicas
from fedge_train.runs.history import Epoch
from fedge_train.runs.lock import writing
from fedge_train.runs.pretrained import pretrained
from fedge_train.runs.report import Outcome, TrainReport, write_history, write_report
from fedge_train.runs.run_folder import (
    CHECKPOINTS,
    CONFIG,
    RunConfig,
    latest_unfinished,
    load_float_model,
    require_empty,
    save_weights,
    write_config,
)
from fedge_train.runs.tracking import Tracking
from fedge_train.training.batches import make_loader
from fedge_train.training.loop import Callbacks, fit
from fedge_train.training.progress_bar import TrainingBar, duration, expected_seconds
from fedge_train.training.start import start_network


def train(options: TrainOptions, strategy: tf.distribute.Strategy | None = None) -> TrainReport:
    """Trains, or goes on training, and gives the run's report. Raises FedgeError.

    `strategy`: of the workers of which this process is the chief; None for this process alone.
    """
    with ExitStack() as stack:
        if options.resume:
            options = dataclasses.replace(options, out=options.out or latest_unfinished())
        elif options.out:
            require_empty(options.out, USED)
        if options.out and (options.out.is_dir() or not options.resume):
            # Before the pictures are read, which takes a while.
            stack.enter_context(writing(options.out))
        start = _start(options)
        if not options.out:
            stack.enter_context(writing(start.folder))
        tracking = stack.enter_context(Tracking(options.tracks, start.folder, start.config))
        report = train_started(start, tracking.epoch, strategy)
        tracking.figures(report.outcome.epochs, {"best_held_out_accuracy": report.outcome.held_out_accuracy})
        return report


def _start(options: TrainOptions) -> Start:
    if options.resume:
        return resume_run(options)
    return start_final_fit(options) if options.final_fit else start_run(options)


def train_started(
    start: Start,
    watch: Callable[[Epoch], None] = lambda epoch: None,
    strategy: tf.distribute.Strategy | None = None,
) -> TrainReport:
    """Trains what was started, and gives its report; `watch` sees each epoch, and may end the training by an error."""
    folder, config, dataset = start.folder, start.config, start.dataset
    if strategy is not None:
        require_shareable(config, start.chosen is not None)
        Replicas(strategy).of_the_chief(json.dumps(to_json(config)).encode())
    _say_what_was_left_out(dataset)
    if config.head is not None:
        start.files.release()
        return learn_head(start, config.head)
    # Teachers answer in float32, whatever precision the student is trained in.
    loader = make_loader(config, dataset, start.files)
    start.files.release()
    # Before the training, which may take a day: the run that gives them may be gone after it. In float32, too.
    answers = held_out_answers(config, dataset) if config.final_fit else None
    plain = new_model(config, dataset)
    model = shared_model(plain, strategy)
    if not (folder / CONFIG).is_file():
        write_config(folder, config)
    if answers:
        keep_answers(folder, answers)
    alone = seconds_of_a_step(plain, loader) if model is not plain else None
    echo(
        f"training {config.architecture} ({model.count_params():,} parameters) on {len(loader):,} pictures "
        f"an epoch, {0 if config.final_fit else len(dataset.held_out):,} held out, for {_epochs(config)} in "
        f"{config.dtype}, "
        f"about {duration(expected_seconds(plain, loader, dataset.held_out))} -> {folder}"
    )
    try:
        with TrainingBar(loader) as bar:
            shown = bar.callbacks()
            step = shown.step if alone is None else told_once(alone, shown.step)

            def after(epoch: Epoch) -> None:
                shown.epoch(epoch)
                watch(epoch)

            callbacks = Callbacks(step, after)
            best, history = fit(model, loader, dataset.held_out, config.seed, folder / CHECKPOINTS, callbacks)
    except KeyboardInterrupt:
        echo(f"go on with `fedge train --resume --out {folder}`")
        raise
    plain.set_weights(best.weights)
    save_weights(folder, plain)
    # Bfloat16 is only for training: what is reported and quantized is the float32 network.
    keras.mixed_precision.set_global_policy("float32")
    write_history(folder, history, best.figures.epoch)
    accuracy = float(hits(answers.split.right, answers.logits.argmax(-1)).mean()) if answers else best.figures.accuracy
    outcome = Outcome(len(history), accuracy, sum(epoch.seconds for epoch in history), best.figures.epoch)
    return write_report(folder, config, load_float_model(folder, config), dataset, outcome, answers=answers)


def _epochs(config: RunConfig) -> str:
    plan = config.plan
    early = f", fewer if {plan.patience} in a row are no better" if plan.patience else ""
    return f"{plan.last_epoch} epochs{early}"


def new_model(config: RunConfig, dataset: Dataset) -> keras.Model:
    """A run's network before its first step, in one process; the global policy is set to its dtype."""
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

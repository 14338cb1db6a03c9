"""The `fedge train` command's work."""

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tf_keras as keras

from fedge.cutout import CutOut
from fedge.data import fashion_mnist
from fedge.data.dataset import Dataset
from fedge.data.labelmap import read_label_map
from fedge.data.load import default_recipe, load_dataset
from fedge.errors import FedgeError, RunError
from fedge.options import TEST_SHARE
from fedge.preprocess import Fit, Recipe, Subject
from fedge.progress import Progress
from fedge.telling import tell
from fedge_train.architectures import ARCHITECTURES, build
from fedge_train.device import training_dtype
from fedge_train.lessons import Lessons, lessons_of, source_weights
from fedge_train.plan import OTHER_CLASSES_RATE, Plan, plan_for
from fedge_train.pretrained import lasting_name, pretrained, require_unchanged
from fedge_train.report import write_history, write_report
from fedge_train.run import (
    CHECKPOINTS,
    CONFIG,
    RunConfig,
    changed_fields,
    finished,
    latest_unfinished,
    load_float_model,
    load_run_data,
    new_folder,
    read_config,
    require_empty,
    save_weights,
    tool_versions,
    write_config,
)
from fedge_train.training import Epoch, Watcher, fit

DEFAULT_DATA = fashion_mnist.NAME
DEFAULT_ARCHITECTURE = "base"


@dataclass(frozen=True)
class TrainOptions:
    """What the user asked for; None stands for the default, or on `--resume` for what the run has."""

    data: tuple[str, ...] = ()
    label_map: Path | None = None
    architecture: str | None = None
    epochs: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    seed: int | None = None
    size: int | None = None
    color: bool | None = None
    fit: Fit | None = None
    subject: Subject | None = None
    camera_like: bool | None = None
    variants: int | None = None
    outliers: float | None = None
    skip: float | None = None
    weights: tuple[float, ...] = ()
    test_share: float | None = None
    start: str | None = None
    teachers: tuple[str, ...] = ()
    dtype: str | None = None
    out: Path | None = None
    resume: bool = False


def train(options: TrainOptions) -> dict[str, Any]:
    """Trains, or goes on training, and gives the run's report. Raises FedgeError."""
    folder, config, dataset = _resumed(options) if options.resume else _started(options)
    _say_what_was_left_out(dataset)
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
        with _Bar(lessons) as bar:
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


def _started(options: TrainOptions) -> tuple[Path, RunConfig, Dataset]:
    options = dataclasses.replace(options, data=options.data or (DEFAULT_DATA,))
    if options.out:
        require_empty(options.out, "go on with --resume, or choose another --out")
    recipe = default_recipe(options.data)
    if options.start:
        # What a network has learned is of use only to pictures that are made as those were that it learned from.
        start = pretrained(options.start)
        options = dataclasses.replace(options, architecture=options.architecture or start.architecture)
        recipe = start.recipe
    recipe = _with_recipe_options(recipe, options)
    share = TEST_SHARE if options.test_share is None else options.test_share
    dataset = load_dataset(options.data, recipe, read_label_map(options.label_map), share)
    config = _configure(options, dataset)
    return options.out or new_folder(f"{dataset.name}-{config.architecture}"), config, dataset


def _resumed(options: TrainOptions) -> tuple[Path, RunConfig, Dataset]:
    folder = options.out or latest_unfinished()
    config = read_config(folder)
    if finished(folder):
        raise RunError(f"the run {folder} has already ended", "train another with --out, or leave out --resume")
    changed = changed_fields(config, _asked_for(options, config))
    if changed:
        raise RunError(
            f"the run {folder} was started with other settings ({', '.join(changed)})",
            "leave these options out on --resume, or train another with --out",
        )
    require_unchanged(config.origins, folder, config)
    return folder, config, load_run_data(folder, config)


def _asked_for(options: TrainOptions, old: RunConfig) -> RunConfig:
    """The run's configuration with what the user gave on `--resume` in its place; all of it must be as it was."""
    return dataclasses.replace(
        old,
        data=_resolved(options.data) or old.data,
        architecture=options.architecture or old.architecture,
        seed=old.seed if options.seed is None else options.seed,
        dtype=options.dtype or old.dtype,
        label_map=read_label_map(options.label_map).classes if options.label_map else old.label_map,
        weights=options.weights or old.weights,
        test_share=old.test_share if options.test_share is None else options.test_share,
        start=lasting_name(options.start) if options.start else old.start,
        teachers=tuple(map(lasting_name, options.teachers)) or old.teachers,
        recipe=_with_recipe_options(old.recipe, options),
        plan=_with_options(old.plan, options),
    )


def _with_options(plan: Plan, options: TrainOptions) -> Plan:
    given: dict[str, Any] = {
        "epochs": options.epochs,
        "batch": options.batch,
        "learning_rate": options.learning_rate,
        "camera": options.camera_like,
        "variants": options.variants,
        "outliers": options.outliers,
        "skip": options.skip,
        # What looks photographed has been bitten, blurred and turned already.
        "erase": False if options.camera_like else None,
        # Teachers need not know pictures that look photographed.
        "consistent": False if options.camera_like else None,
    }
    try:
        return dataclasses.replace(plan, **{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise FedgeError(str(error), "choose another value") from error


def _with_recipe_options(recipe: Recipe, options: TrainOptions) -> Recipe:
    return dataclasses.replace(
        recipe,
        height=options.size or recipe.height,
        width=options.size or recipe.width,
        color=recipe.color if options.color is None else ("rgb" if options.color else "gray"),
        fit=options.fit or recipe.fit,
        cut_out=recipe.cut_out if options.subject is None else _cut_out(options.subject, recipe),
    )


def _cut_out(subject: Subject, recipe: Recipe) -> CutOut | None:
    # A run that has a cut-out keeps the parameters that it was started with.
    return (recipe.cut_out or CutOut()) if subject == "cut-out" else None


def _resolved(data: tuple[str, ...]) -> tuple[str, ...]:
    # A run is found again from anywhere, so its data must be too.
    return tuple(name if name == DEFAULT_DATA else str(Path(name).resolve()) for name in data)


def _configure(options: TrainOptions, dataset: Dataset) -> RunConfig:
    architecture = options.architecture or DEFAULT_ARCHITECTURE
    if architecture not in ARCHITECTURES:
        raise FedgeError(f"there is no architecture {architecture!r}", f"choose one of {', '.join(ARCHITECTURES)}")
    plan = plan_for(architecture, len(dataset.train), options.batch)
    start = lasting_name(options.start) if options.start else None
    teachers = tuple(map(lasting_name, options.teachers))
    if start and pretrained(start).labels != dataset.labels:
        plan = dataclasses.replace(plan, learning_rate=plan.learning_rate * OTHER_CLASSES_RATE)
    return RunConfig(
        architecture=architecture,
        data=_resolved(options.data),
        data_sha256=dataset.sha256(),
        labels=dataset.labels,
        recipe=dataset.recipe,
        plan=_with_options(plan, options),
        seed=options.seed or 0,
        dtype=options.dtype or training_dtype(),
        label_map=read_label_map(options.label_map).classes,
        weights=source_weights(options.weights, len(options.data)),
        test_share=TEST_SHARE if options.test_share is None else options.test_share,
        start=start,
        teachers=teachers,
        origins={name: pretrained(name).sha256() for name in (*([start] if start else []), *teachers)},
        versions=tool_versions(),
    )


def _new_model(config: RunConfig, dataset: Dataset) -> keras.Model:
    keras.utils.set_random_seed(config.seed)
    keras.mixed_precision.set_global_policy(config.dtype)
    if config.start is None:
        return build(config.architecture, config.recipe.shape, len(config.labels))
    start = pretrained(config.start)
    if start.architecture != config.architecture:
        raise RunError(f"{start.name} is a {start.architecture}", "leave out --arch")
    return start.network(config.recipe.shape, config.labels, dataset.train.images)


def _say_what_was_left_out(dataset: Dataset) -> None:
    _list("could not be read and were skipped", dataset.skipped)
    _list("are in a later split too and were kept out of training", dataset.duplicates)


def _list(what: str, names: Sequence[str]) -> None:
    if names:
        print(f"fedge: {len(names)} pictures {what}:", *names[:20], sep="\n  ", file=sys.stderr)
        if len(names) > 20:
            print(f"  and {len(names) - 20} more, all in report.json", file=sys.stderr)


class _Bar:
    """The training's progress bar: counts steps over all epochs, so that the time left is the whole training's."""

    def __init__(self, lessons: Lessons) -> None:
        self._lessons = lessons
        self._epochs = lessons.plan.epochs
        self._progress = Progress("training", lessons.steps_until(self._epochs))
        self._before: dict[int, int] = {}
        self._held_out = ""

    def __enter__(self) -> "_Bar":
        self._progress.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._progress.__exit__(*error)

    def watcher(self) -> Watcher:
        return Watcher(self._step, self._end)

    def _step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        if epoch not in self._before:
            self._before = {epoch: self._lessons.steps_until(epoch - 1)}
        done = self._before[epoch] + step + 1
        note = f"epoch {epoch}/{self._epochs} loss {loss:.4f} accuracy {accuracy:.4f}{self._held_out}"
        self._progress.reach(done, note)

    def _end(self, epoch: Epoch) -> None:
        self._held_out = f" (held out {epoch.held_out_accuracy:.4f})"
        self._progress.line(
            f"epoch {epoch.epoch}/{self._epochs}: loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.4f}, "
            f"held out {epoch.held_out_accuracy:.4f}, {epoch.seconds:.0f} s"
        )

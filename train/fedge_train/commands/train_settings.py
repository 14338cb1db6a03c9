"""From the options of `fedge train` to the configuration of a run."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fedge.data import fashion_mnist
from fedge.data.dataset import Dataset, thinned
from fedge.data.decoded.cache import user_cache
from fedge.data.label_map import read_label_map
from fedge.data.load import Seal, default_recipe, load_dataset
from fedge.data.picture_files import PictureFiles
from fedge.errors import FedgeError, RunError
from fedge.images.cutout import CutOut
from fedge.images.preprocess import Fit, Recipe, Subject
from fedge.making.foreign.extractor import Extractor, read_extractor
from fedge.options import TEST_SHARE, TRIAL_MINUTES, parse_residual
from fedge.options.tracking import Track
from fedge_train.commands.choose import BACKBONE_SIDE, Choice, PicturePool, choose
from fedge_train.commands.train_data import picture_files, require_pictures, resolved
from fedge_train.networks.architectures import ARCHITECTURES
from fedge_train.networks.imagenet import BACKBONES
from fedge_train.networks.plans import OTHER_CLASSES_RATE, Plan, plan_for, with_mix
from fedge_train.runs.pretrained import pretrained, require_unchanged, resolved_name
from fedge_train.runs.run_folder import (
    RunConfig,
    changed_fields,
    finished,
    latest_unfinished,
    load_run_data,
    new_folder,
    read_config,
    require_empty,
    tool_versions,
)
from fedge_train.training.batches import source_weights
from fedge_train.training.extractor_input import with_known_input
from fedge_train.training.linear_head import USUAL_STRENGTH
from fedge_train.training.precision import training_dtype

DEFAULT_DATA = fashion_mnist.NAME
DEFAULT_ARCHITECTURE = "base"
# What is to be done about an --out that has something in it.
USED = "go on with --resume, or choose another --out"
T = TypeVar("T")


@dataclass(frozen=True)
class TrainOptions:
    """What the user asked for; None stands for the default, or on `--resume` for what the run has.

    `sealed`: the test pictures are not opened; `share`: of all pictures, to try something with; `data_sha256`: what
    each of `data` must have, see `Dataset.source_sha256`, an empty text for any; `final_fit`: a run to fit anew on all
    its pictures.
    """

    data: tuple[str, ...] = ()
    label_map: Path | None = None
    architecture: str | None = None
    epochs: int | None = None
    patience: int | None = None
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
    mix: str | None = None
    dtype: str | None = None
    backbone: Path | None = None
    sealed: bool = False
    share: float = 1.0
    data_sha256: tuple[str, ...] = ()
    minutes: float = TRIAL_MINUTES
    out: Path | None = None
    resume: bool = False
    tracks: tuple[Track, ...] = ()
    final_fit: Path | None = None


@dataclass(frozen=True)
class Start:
    """A run to begin or go on with: its folder, configuration and data, and what was chosen for it, if anything; and
    the user's own backbone, if its head is to be learned.

    `files` are the data set's picture files, for what is made of the photographs.
    """

    folder: Path
    config: RunConfig
    dataset: Dataset
    files: PictureFiles
    chosen: Choice | None = None
    own: Extractor | None = None


def start_run(options: TrainOptions) -> Start:
    """A new run; nothing is written yet. Raises FedgeError."""
    options = dataclasses.replace(options, data=options.data or (DEFAULT_DATA,))
    if options.out:
        require_empty(options.out, USED)
    recipe = default_recipe(options.data)
    if options.start:
        # Pretrained weights are of use only with the preprocessing that they were trained with.
        start = pretrained(options.start)
        if start.model is None and read_config(Path(options.start)).final_fit:
            raise RunError(f"{options.start} has learned the held-out pictures", "start from the run it was made of")
        options = dataclasses.replace(options, architecture=options.architecture or start.architecture)
        recipe = start.recipe
    share = TEST_SHARE if options.test_share is None else options.test_share
    head, chosen = None, None
    is_free = _is_free_to_choose(options)
    own = _own_backbone(options, is_free)
    files = picture_files(options.variants, options.outliers)
    if is_free:
        recipe = _with_recipe_options(recipe, options)
        label_map, seed = read_label_map(options.label_map), options.seed or 0
        source = PicturePool(options.data, label_map, share, files.read_with_notes, _seal(options))
        own = with_known_input(own, source.load(own.recipe)) if own else None
        chosen = choose(source, recipe, options.minutes, seed, own)
        head = chosen.head.strength if chosen.head else None
        own = own if chosen.head else None
        options = dataclasses.replace(options, architecture=chosen.architecture, size=chosen.side, epochs=chosen.epochs)
    elif options.architecture in BACKBONES and options.epochs is None:
        head = USUAL_STRENGTH
    if options.architecture in BACKBONES and options.size is None:
        options = dataclasses.replace(options, size=BACKBONE_SIDE)
    recipe = own.recipe if own else _with_recipe_options(recipe, options)
    label_map = read_label_map(options.label_map)
    read, seal = files.read_with_notes, _seal(options)
    dataset = load_dataset(options.data, recipe, label_map, share, read, seal, user_cache())
    require_pictures(dataset, options.data, options.data_sha256)
    dataset = thinned(dataset, options.share) if options.share < 1 else dataset
    config = dataclasses.replace(_configure(options, dataset, own), head=head)
    folder = options.out or new_folder(f"{dataset.name}-{config.architecture}")
    return Start(folder, config, dataset, files, chosen, own)


def resume_run(options: TrainOptions) -> Start:
    """The same of a run that was interrupted; raises RunError where it has ended or the options differ."""
    folder = options.out or latest_unfinished()
    config = read_config(folder)
    if finished(folder):
        raise RunError(f"the run {folder} has already ended", "train another with --out, or leave out --resume")
    if options.backbone is not None:
        raise RunError("--backbone is what a run begins with", "leave it out on --resume: the run has a copy")
    moved_to = resolved(options.data)
    changed = changed_fields(config, _asked_for(dataclasses.replace(options, data=()), config))
    if changed:
        raise RunError(
            f"the run {folder} was started with other settings ({', '.join(changed)})",
            "leave these options out on --resume, or train another with --out",
        )
    require_unchanged(config.origins, folder, config)
    files = picture_files(config.plan.variants, config.plan.outliers)
    dataset = load_run_data(folder, config, moved_to, files.read_with_notes, with_test=False)
    return Start(folder, config, dataset, files)


def _seal(options: TrainOptions) -> Seal:
    return "closed" if options.sealed else "none"


def _is_free_to_choose(options: TrainOptions) -> bool:
    """Whether all data are folders of photographs, and no option names a network or applies to one kind only."""
    asked = (
        *(options.architecture, options.start, options.epochs, options.batch, options.learning_rate, options.size),
        *(options.color, options.subject, options.camera_like, options.variants, options.outliers, options.skip),
        *(options.dtype, options.patience, options.mix, options.teachers or None, options.weights or None),
    )
    return DEFAULT_DATA not in options.data and all(each is None for each in asked)


def _own_backbone(options: TrainOptions, is_free: bool) -> Extractor | None:
    if options.backbone is None:
        return None
    if not is_free:
        raise FedgeError(
            "--backbone takes folders of photographs, and no option that names a network or changes one",
            "give --data FOLDER, and leave out --arch, --from, --size, --epochs and the like",
        )
    own = read_extractor(options.backbone)
    return dataclasses.replace(own, recipe=_with_recipe_options(own.recipe, options))


def _asked_for(options: TrainOptions, old: RunConfig) -> RunConfig:
    """The run's configuration with what the user gave on `--resume` in its place; all of it must be as it was."""
    return dataclasses.replace(
        old,
        architecture=options.architecture or old.architecture,
        seed=old.seed if options.seed is None else options.seed,
        dtype=options.dtype or old.dtype,
        label_map=read_label_map(options.label_map).classes if options.label_map else old.label_map,
        weights=options.weights or old.weights,
        sealed=options.sealed or old.sealed,
        test_share=old.test_share if options.test_share is None else options.test_share,
        start=resolved_name(options.start) if options.start else old.start,
        final_fit=str(options.final_fit.resolve()) if options.final_fit else old.final_fit,
        teachers=tuple(map(resolved_name, options.teachers)) or old.teachers,
        recipe=_with_recipe_options(old.recipe, options),
        plan=with_options(old.plan, options),
    )


def with_options(plan: Plan, options: TrainOptions) -> Plan:
    """A plan with what was asked for in its place; raises FedgeError for a value that it cannot have."""
    # `--camera-like` already covers, blurs and turns pictures; and teachers need not know pictures changed by it.
    erase, consistent = (False, False) if options.camera_like else (plan.erase, plan.consistent)
    try:
        plan = plan if options.mix is None else with_mix(plan, options.mix)
        return dataclasses.replace(
            plan,
            epochs=_or(options.epochs, plan.epochs),
            # Epochs that were asked for are all trained, unless patience was asked for too.
            patience=_or(options.patience, plan.patience if options.epochs is None else 0),
            batch=_or(options.batch, plan.batch),
            learning_rate=_or(options.learning_rate, plan.learning_rate),
            camera=_or(options.camera_like, plan.camera),
            variants=_or(options.variants, plan.variants),
            outliers=_or(options.outliers, plan.outliers),
            skip=_or(options.skip, plan.skip),
            erase=erase,
            consistent=consistent,
        )
    except ValueError as error:
        raise FedgeError(str(error), "choose another value") from error


def _or(given: T | None, otherwise: T) -> T:
    return otherwise if given is None else given


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


def _configure(options: TrainOptions, dataset: Dataset, own: Extractor | None) -> RunConfig:
    architecture = options.architecture or DEFAULT_ARCHITECTURE
    if own is None and architecture not in ARCHITECTURES and parse_residual(architecture) is None:
        raise FedgeError(f"there is no architecture {architecture!r}", f"choose one of {', '.join(ARCHITECTURES)}")
    plan = plan_for(architecture, len(dataset.train), options.batch)
    start = resolved_name(options.start) if options.start else None
    teachers = tuple(map(resolved_name, options.teachers))
    if start and pretrained(start).labels != dataset.labels:
        plan = dataclasses.replace(plan, learning_rate=plan.learning_rate * OTHER_CLASSES_RATE)
    return RunConfig(
        architecture=architecture,
        data=resolved(options.data),
        data_sha256=dataset.sha256(),
        labels=dataset.labels,
        recipe=dataset.recipe,
        plan=with_options(plan, options),
        seed=options.seed or 0,
        dtype=options.dtype or ("float32" if own or architecture in BACKBONES else training_dtype()),
        label_map=read_label_map(options.label_map).classes,
        weights=source_weights(options.weights, len(options.data)),
        test_share=TEST_SHARE if options.test_share is None else options.test_share,
        sealed=options.sealed,
        share=options.share,
        backbone=own.sha256 if own else None,
        start=start,
        teachers=teachers,
        origins={name: pretrained(name).sha256() for name in (*([start] if start else []), *teachers)},
        versions=tool_versions(),
    )

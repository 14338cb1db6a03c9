"""The command `fedge train`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedge.cli.parsing.architecture import parse_architecture
from fedge.cli.parsing.command import GIVEN
from fedge.cli.parsing.parameters import (
    RARE,
    Config,
    Json,
    Map,
    SaveConfig,
    TrainingData,
    panel,
    print_report,
    save_config,
)
from fedge.errors import FedgeError
from fedge.options import ARCHITECTURES, TEST_SHARE, TRIAL_MINUTES
from fedge.options.tracking import parse_track
from fedge.options.workers import parse_workers
from fedge.system.extras import needs_extra

PICTURES, NETWORK, HOW_LONG = panel("Pictures"), panel("Network"), panel("How long")
START_FROM, EXPERT = panel("Start from"), panel("Expert")
BY_PICTURES, BY_NETWORK = "by the pictures", "by the network"

# A recipe says all the rest.
WITH_RECIPE = ("recipe", "scale", "out", "data", "json")

EXAMPLES = """\
Examples:
  fedge train
  fedge train --data photos --out runs/photos
  fedge train --data photos --from camera --epochs 30
  fedge train --recipe small
"""


def _follow(context: typer.Context, as_json: bool) -> None:
    """Makes models by recipes, with the few options that go with `--recipe`."""
    given, asked = context.meta[GIVEN], context.params
    if not asked["recipe"]:
        raise FedgeError("--scale goes with --recipe", "leave it out, or say which recipe")
    if odd := next((key for key in given if key not in WITH_RECIPE), None):
        raise FedgeError(f"--{odd} does not go with --recipe", "write it into a recipe of your own, or leave it out")
    with needs_extra("train", "`fedge train --recipe`"):
        from fedge_quantize import recipe_report as reports
        from fedge_quantize.recipes import OUT, RecipeOptions, run_recipes
    options = RecipeOptions(tuple(asked["recipe"]), asked["out"] or OUT, asked["scale"], tuple(asked["data"] or ()))
    report = run_recipes(options)
    print_report(reports.as_json(report) if as_json else reports.as_text(report))
    reports.require_kept(report)


def train(
    context: typer.Context,
    data: TrainingData = None,
    map: Map = None,
    weight: Annotated[
        list[float] | None,
        PICTURES(
            metavar="N",
            help="How often an epoch shows each picture of a --data; one number for each --data.",
            show_default="1 each",
            min=0,
            **RARE,
        ),
    ] = None,
    test_share: Annotated[
        float | None,
        PICTURES(
            metavar="SHARE",
            help="The share of pictures to test with, where there is no `test` folder.",
            show_default=f"{TEST_SHARE}",
            min=0.01,
            max=0.5,
            **RARE,
        ),
    ] = None,
    no_test: Annotated[
        bool, PICTURES("--no-test", help="Leave the test pictures closed; figures are of held-out ones.")
    ] = False,
    fit: Annotated[
        Literal["pad", "crop", "stretch"] | None,
        PICTURES(help="How a picture fills the input.", show_default=BY_PICTURES, **RARE),
    ] = None,
    subject: Annotated[
        Literal["whole", "cut-out"] | None,
        PICTURES(help="The whole picture, or its object cut out on black.", show_default="whole"),
    ] = None,
    arch: Annotated[
        str | None,
        NETWORK(
            metavar="NAME",
            help=f"{', '.join(ARCHITECTURES)}, or widths and depths such as r16-32-48x2-2-1.",
            show_default="base for fashion-mnist; for a folder what does best on pictures held out",
            autocompletion=lambda: list(ARCHITECTURES),
            parser=parse_architecture,
        ),
    ] = None,
    size: Annotated[
        int | None,
        NETWORK(metavar="PIXELS", help="The input's height and width.", show_default=BY_PICTURES, min=8, max=512),
    ] = None,
    color: Annotated[
        bool | None, NETWORK("--color/--gray", help="Three channels or one.", show_default=BY_PICTURES)
    ] = None,
    epochs: Annotated[
        int | None,
        HOW_LONG(metavar="N", help="How often to go through the data.", show_default=BY_NETWORK, min=1),
    ] = None,
    patience: Annotated[
        int | None,
        HOW_LONG(
            metavar="N",
            help="End after so many epochs without a better one; 0: never.",
            show_default="a third of the epochs for few pictures, never where --epochs says how many",
            min=0,
        ),
    ] = None,
    minutes: Annotated[
        float, HOW_LONG(metavar="MINUTES", help="How long networks may be compared on a folder of pictures.", min=0)
    ] = TRIAL_MINUTES,
    resume: Annotated[bool, HOW_LONG("--resume", help="Go on with an interrupted run.")] = False,
    start: Annotated[
        str | None,
        START_FROM(
            "--from",
            metavar="MODEL",
            help="A run, model file or shipped model to start from.",
            show_default="random weights",
        ),
    ] = None,
    backbone: Annotated[
        Path | None,
        START_FROM(
            metavar="FILE.tflite",
            help="Your own frozen backbone: what `fedge backbone` made, or a .tflite that gives features.",
            show_default="lite0",
        ),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        START_FROM(metavar="MODEL", help="A run, model file or shipped model to distil from; repeatable.", **RARE),
    ] = None,
    final_fit: Annotated[
        Path | None,
        START_FROM(
            metavar="RUN",
            help="Fit a finished run anew on all its pictures, held-out ones too, for as many epochs.",
            show_default="none",
            **RARE,
        ),
    ] = None,
    recipe: Annotated[
        list[str] | None,
        START_FROM(
            metavar="NAME|FILE",
            help="Make a model from nothing by a recipe: base, small, nano, camera or a file; repeatable.",
        ),
    ] = None,
    scale: Annotated[
        float,
        START_FROM(metavar="SHARE", help="Of a recipe's epochs and pictures, to try it.", min=1e-4, max=1, **RARE),
    ] = 1.0,
    seed: Annotated[
        int | None, EXPERT(metavar="N", help="Of everything random.", show_default="0", min=0, max=2**32 - 1)
    ] = None,
    batch: Annotated[
        int | None, EXPERT(metavar="N", help="Pictures per step.", show_default=BY_PICTURES, min=1, **RARE)
    ] = None,
    learning_rate: Annotated[
        float | None,
        EXPERT(metavar="RATE", help="The peak learning rate.", show_default=BY_NETWORK, min=1e-9, **RARE),
    ] = None,
    camera_like: Annotated[
        bool | None,
        EXPERT(
            "--camera-like/--no-camera-like",
            help="Make cut-out pictures look photographed.",
            show_default=BY_NETWORK,
            **RARE,
        ),
    ] = None,
    variants: Annotated[
        int | None,
        EXPERT(
            metavar="N",
            help="How many changed variants of each photograph to learn from.",
            show_default=BY_NETWORK,
            min=0,
            **RARE,
        ),
    ] = None,
    outliers: Annotated[
        float | None,
        EXPERT(
            metavar="SHARE",
            help="The share of outliers in training, to be unsure of.",
            show_default=BY_NETWORK,
            min=0,
            max=0.5,
            **RARE,
        ),
    ] = None,
    skip: Annotated[
        float | None,
        EXPERT(
            metavar="SHARE",
            help="The share of the pictures, the easiest, that an epoch leaves out.",
            show_default=BY_NETWORK,
            min=0,
            max=0.5,
            **RARE,
        ),
    ] = None,
    mix: Annotated[
        str | None,
        EXPERT(
            metavar="mixup|cutmix|N",
            help="Mix each picture with another, for large networks; N: mixup of this strength.",
            show_default="none",
            **RARE,
        ),
    ] = None,
    dtype: Annotated[
        Literal["float32", "mixed_bfloat16"] | None,
        EXPERT(help="The type of the numbers in training.", show_default="by the processor", **RARE),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The run.", show_default="runs/NAME")] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(metavar="TRACKER", help="Follow it: tensorboard or mlflow:URI; repeatable.", show_default="none"),
    ] = None,
    workers: Annotated[
        str | None,
        EXPERT(metavar="HOST:PORT,...", help="Share each step; the same command on all.", show_default="none", **RARE),
    ] = None,
    worker: Annotated[
        int | None,
        EXPERT(metavar="N", help="Which of --workers this is, from 0.", show_default="by its address", min=0, **RARE),
    ] = None,
    as_json: Json = False,
    config: Config = None,
    save: SaveConfig = None,
) -> None:
    """Train a network: a run folder of float weights, report and plots."""
    tracks = tuple(parse_track(each) for each in track or ())
    together = parse_workers(workers, worker)
    with needs_extra("train", "`fedge train`"):
        from fedge_train.commands.train import train as work
        from fedge_train.commands.train_settings import TrainOptions
        from fedge_train.commands.train_together import train_together
        from fedge_train.runs import report as reports
    if recipe or scale != 1:
        save_config(context, save)
        _follow(context, as_json)
        return
    options = TrainOptions(
        data=tuple(data or ()),
        label_map=map,
        architecture=arch,
        epochs=epochs,
        patience=patience,
        batch=batch,
        learning_rate=learning_rate,
        seed=seed,
        size=size,
        color=color,
        fit=fit,
        subject=subject,
        camera_like=camera_like,
        variants=variants,
        outliers=outliers,
        skip=skip,
        weights=tuple(weight or ()),
        test_share=test_share,
        start=start,
        teachers=tuple(teacher or ()),
        mix=mix,
        dtype=dtype,
        backbone=backbone,
        sealed=no_test,
        minutes=minutes,
        out=out,
        resume=resume,
        tracks=tracks,
        final_fit=final_fit,
    )
    save_config(context, save)
    report = work(options) if together is None else train_together(options, together, worker)
    if report is None:
        return
    print_report(reports.as_json(report) if as_json else reports.as_text(report))

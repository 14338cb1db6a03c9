"""The commands that make a model with TensorFlow: `fedge train`, `average`, `quantize` and `backbone`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedge.cli.parsing.parameters import Json, Map, print_report
from fedge.options import MAX_DROP_PP, QAT_EPOCHS, TEST_SHARE, TRIAL_MINUTES
from fedge.system.extras import needs_extra

Data = Annotated[list[str] | None, typer.Option(help="fashion-mnist, or a folder with a folder per class; repeatable.")]


def train(
    data: Data = None,
    map: Map = None,
    arch: Annotated[
        str | None,
        typer.Option(
            help="lite0, nano, small, base, wide, camera, classic or leaky; base for fashion-mnist, and for a folder "
            "what does best on pictures held out of it."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="How often to go through the data.", min=1)] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures per step.", min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The peak learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.", min=0, max=2**32 - 1)] = None,
    size: Annotated[int | None, typer.Option(help="The input's height and width in pixels.", min=8, max=512)] = None,
    color: Annotated[bool | None, typer.Option("--color/--gray", help="Three channels or one.")] = None,
    fit: Annotated[
        Literal["pad", "crop", "stretch"] | None, typer.Option(help="How a picture fills the input.")
    ] = None,
    subject: Annotated[
        Literal["whole", "cut-out"] | None, typer.Option(help="The whole picture, or its object cut out on black.")
    ] = None,
    camera_like: Annotated[
        bool | None, typer.Option("--camera-like/--no-camera-like", help="Make cut-out pictures look photographed.")
    ] = None,
    dtype: Annotated[
        Literal["float32", "mixed_bfloat16"] | None, typer.Option(help="Chosen by the processor if left out.")
    ] = None,
    variants: Annotated[
        int | None, typer.Option(help="How many changed variants of each photograph to learn from.", min=0)
    ] = None,
    outliers: Annotated[
        float | None, typer.Option(help="The share of outliers in training, to be unsure of.", min=0, max=0.5)
    ] = None,
    skip: Annotated[
        float | None, typer.Option(help="The share of an epoch's pictures to leave out, the easiest.", min=0, max=0.5)
    ] = None,
    weight: Annotated[
        list[float] | None, typer.Option(help="How often an epoch shows each picture of a --data; one for each.")
    ] = None,
    test_share: Annotated[
        float | None, typer.Option(help=f"What a folder without `test` gives to it; {TEST_SHARE}.", min=0.01, max=0.5)
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="A run, model file or shipped model to start from.")
    ] = None,
    teacher: Annotated[
        list[str] | None, typer.Option(help="A run, model file or shipped model to distil from; repeatable.")
    ] = None,
    minutes: Annotated[
        float, typer.Option(help="How long networks may be compared on a folder of pictures.", min=0)
    ] = TRIAL_MINUTES,
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME if left out.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network: a run folder of float weights, report and plots."""
    with needs_extra("train", "`fedge train`"):
        from fedge_train.commands.train import train as work
        from fedge_train.commands.train_settings import TrainOptions
        from fedge_train.runs import report as reports
    options = TrainOptions(
        data=tuple(data or ()),
        label_map=map,
        architecture=arch,
        epochs=epochs,
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
        dtype=dtype,
        minutes=minutes,
        out=out,
        resume=resume,
    )
    report = work(options)
    print_report(reports.as_json(report) if as_json else reports.as_text(report))


def average(
    runs: Annotated[list[Path], typer.Argument(help="Run folders that went on from the same run.")],
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME-mean if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Average the weights of runs, those that make it better on held-out pictures."""
    with needs_extra("train", "`fedge average`"):
        from fedge_train.commands.average import average as work
        from fedge_train.runs import report as reports
    report = work(runs, out)
    print_report(reports.as_json(report) if as_json else reports.as_text(report))


def quantize(
    run: Annotated[Path, typer.Argument(help="A run folder that `fedge train` made.")],
    out: Annotated[Path | None, typer.Option(help="The model file; RUN/NAME.tflite if left out.")] = None,
    method: Annotated[
        Literal["auto", "ptq", "qat"], typer.Option(help="After training, in training, or as needed.")
    ] = "auto",
    max_drop: Annotated[
        float, typer.Option(help="The most accuracy that may be lost, in points (95% bound).", min=0, max=100)
    ] = MAX_DROP_PP,
    qat_epochs: Annotated[int, typer.Option(help="Epochs of quantization-aware training.", min=1)] = QAT_EPOCHS,
    frames: Annotated[
        list[str] | None,
        typer.Option(
            help="Pictures without labels, a folder or a video, as proof where test pictures are few; repeatable."
        ),
    ] = None,
    unproved: Annotated[
        bool, typer.Option("--unproved", help="Write the file even where its loss is unproved; the file says so.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make an int8 model file, refused if it lost accuracy."""
    with needs_extra("train", "`fedge quantize`"):
        from fedge_quantize import report as reports
        from fedge_quantize.candidates import QuantizeOptions
        from fedge_quantize.quantize import quantize as work
    report = work(QuantizeOptions(run, out, method, max_drop, qat_epochs, tuple(frames or ()), unproved))
    print_report(reports.as_json(report) if as_json else reports.as_text(report))


def backbone(
    arch: Annotated[str, typer.Argument(help="lite0 or a variant; or your own .tflite that gives features.")] = "lite0",
    size: Annotated[int, typer.Option(help="The input's height and width in pixels.", min=32, max=512)] = 224,
    data: Annotated[
        list[str] | None, typer.Option(help="Pictures to calibrate on: a folder or a video; repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file; ARCH-SIZE.tflite if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Make an int8 backbone file, which `fedge teach` learns classes on, on any device."""
    if arch.endswith(".tflite"):
        with needs_extra("teach", "`fedge backbone FILE`"):
            from fedge.commands.making.own_backbone import wrap_backbone

            report = wrap_backbone(Path(arch), tuple(data or ()), out)
    else:
        with needs_extra("train", "`fedge backbone`"):
            from fedge_quantize.backbone import BackboneOptions, make_backbone
        report = make_backbone(BackboneOptions(arch, size, tuple(data or ()), out))
    error = report["feature_error"]
    far = "" if error is None else f", {error:.1%} away from the float ones on {report['calibration']}"
    text = (
        f"{report['path']}: {report['bytes']:,} bytes, {report['features']:,} features{far}\n"
        f"next: fedge teach {report['path']} --data photos"
    )
    print_report(report if as_json else text)

"""The commands on a trained run, `fedge average` and `quantize`, and `fedge backbone`, which makes an int8 backbone."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedge.cli.parsing.parameters import Json, print_report
from fedge.options import MAX_DROP_PP, MOST_DEFAULT_DROP_PP, QAT_EPOCHS
from fedge.system.extras import needs_extra

EXAMPLES = """\
Examples:
  fedge quantize runs/photos
  fedge quantize runs/photos --frames capture.mp4
"""


def average(
    runs: Annotated[list[Path], typer.Argument(help="Run folders that went on from the same run.")],
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME-mean if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Average the weights of those runs that make the mean better on held-out pictures."""
    with needs_extra("train", "`fedge average`"):
        from fedge_train.commands.average import average as work
        from fedge_train.runs import report as reports
    report = work(runs, out)
    print_report(reports.as_json(report) if as_json else reports.as_text(report))


def quantize(
    run: Annotated[Path, typer.Argument(help="A run folder that `fedge train` made.")],
    out: Annotated[Path | None, typer.Option(help="The model file; RUN/NAME.tflite if left out.")] = None,
    method: Annotated[
        Literal["auto", "ptq", "qat"],
        typer.Option(help="After training (ptq), in training (qat), or in training only if needed (auto)."),
    ] = "auto",
    max_drop: Annotated[
        float | None,
        typer.Option(
            help="The most accuracy that may be lost, in points (95% bound).",
            min=0,
            max=100,
            show_default=f"{MAX_DROP_PP:g}; few pictures: twice what they can show, {MOST_DEFAULT_DROP_PP:g} at most",
        ),
    ] = None,
    qat_epochs: Annotated[int, typer.Option(help="Epochs of quantization-aware training.", min=1)] = QAT_EPOCHS,
    frames: Annotated[
        list[str] | None,
        typer.Option(
            help="Pictures without labels, a folder or a video, as proof where test pictures are few; repeatable."
        ),
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="Where the run's pictures are now, if they were moved; repeatable.")
    ] = None,
    unproved: Annotated[
        bool, typer.Option("--unproved", help="Write the file even where its loss is unproved; the file says so.")
    ] = False,
    no_test: Annotated[
        bool, typer.Option("--no-test", help="Leave the test pictures closed; held-out ones stand before the gate.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make an int8 model file, refused if it lost accuracy."""
    with needs_extra("train", "`fedge quantize`"):
        from fedge_quantize import report as reports
        from fedge_quantize.candidates import QuantizeOptions
        from fedge_quantize.quantize import quantize as work
    pictures, proof = tuple(data or ()), tuple(frames or ())
    report = work(
        QuantizeOptions(run, out, method, max_drop, qat_epochs, proof, unproved, pictures, with_test=not no_test)
    )
    print_report(reports.as_json(report) if as_json else reports.as_text(report))


def backbone(
    arch: Annotated[str, typer.Argument(help="A backbone's name, or your own .tflite that gives features.")] = "lite0",
    size: Annotated[int, typer.Option(help="The input's height and width in pixels.", min=32, max=512)] = 224,
    data: Annotated[
        list[str] | None, typer.Option(help="Pictures to calibrate on: a folder or a video; repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file; ARCH-SIZE.tflite if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Make an int8 backbone file, on which `fedge teach` learns classes without TensorFlow."""
    from fedge.commands.making import backbone_report as reports

    if arch.endswith(".tflite"):
        with needs_extra("teach", "`fedge backbone FILE`"):
            from fedge.commands.making.own_backbone import wrap_backbone

            report = wrap_backbone(Path(arch), tuple(data or ()), out)
    else:
        with needs_extra("train", "`fedge backbone`"):
            from fedge_quantize.backbone import BackboneOptions, make_backbone
        report = make_backbone(BackboneOptions(arch, size, tuple(data or ()), out))
    print_report(reports.as_json(report) if as_json else reports.as_text(report))

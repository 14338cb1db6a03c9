"""The commands that report on a model file or a recording."""

from pathlib import Path
from typing import Annotated

import typer

from fedge.cli.parsing.parameters import Json, Map, Model, print_report
from fedge.system.console import echo
from fedge.system.extras import needs_extra


def evaluate(
    model_or_run: Annotated[str, typer.Argument(help="A model file, a shipped model's name, or a run folder.")],
    data: Annotated[
        str | None, typer.Option(help="fashion-mnist or a folder; what it was trained on if left out.")
    ] = None,
    map: Map = None,
    as_json: Json = False,
    page: Annotated[Path | None, typer.Option(help="Write an HTML page of the worst pictures here.")] = None,
) -> None:
    """Measure accuracy: per class, with rejection, and whether the model is fit for the camera."""
    from fedge.commands import evaluate_report as work
    from fedge.commands.evaluate import evaluate_model

    if Path(model_or_run).is_dir():
        if page is not None:
            raise typer.BadParameter("--page goes with a model file, not a run folder")
        with needs_extra("train", "`fedge eval RUN`"):
            from fedge_train.commands.evaluate import evaluate_run
        report = evaluate_run(Path(model_or_run), data, map)
    else:
        report = evaluate_model(model_or_run, data, map, page)
    for name in report.skipped:
        echo(f"skipped: {name}")
    print_report(work.as_json(report) if as_json else work.as_text(report))


def replay(
    recording: Annotated[Path, typer.Argument(help="A folder that `fedge run --record` wrote.")],
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Prove that a recording's frames get the same answers and decisions again."""
    from fedge.commands import replay as work

    report = work.replay(recording, model)
    print_report(work.as_json(report) if as_json else work.as_text(report))
    work.require_same(report)


def info(model: Model = None, as_json: Json = False) -> None:
    """Show what is in a model file; without one, the shipped models."""
    from fedge.commands import info as work

    report = work.shipped_info() if model is None else work.model_info(model)
    print_report(work.as_json(report) if as_json else work.as_text(report))


def verify(model: Model = None, as_json: Json = False) -> None:
    """Prove that this machine gives the model's golden answers; where it does not, say why."""
    from fedge.commands import verify as work

    found = work.verify(model)
    if found.test is not None or as_json:
        print_report(work.as_json(found) if as_json else work.as_text(found))
    work.require_passed(found)


def bench(
    model: Model = None,
    frames: Annotated[int, typer.Option(help="How many frames to time.", min=1)] = 500,
    seconds: Annotated[
        float | None, typer.Option(help="Go on for so long, and watch heat and voltage on a Raspberry Pi.", min=0.1)
    ] = None,
    as_json: Json = False,
) -> None:
    """Time each stage on this machine, on one core."""
    from fedge.commands import bench as work

    report = work.bench(model, frames, seconds)
    print_report(work.as_json(report) if as_json else work.as_text(report))


def samples(
    folder: Annotated[Path, typer.Argument(help="A new folder for the PNG files.")],
    count: Annotated[int, typer.Option(help="How many, in equal shares of each class.", min=1, max=10_000)] = 20,
    seed: Annotated[int, typer.Option(help="Which ones.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Write Fashion-MNIST test pictures as files, to try a model on."""
    from fedge.commands import samples as work

    report = work.write_samples(folder, count, seed)
    print_report(work.as_json(report) if as_json else work.as_text(report))

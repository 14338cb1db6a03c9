"""The command line. Each command is a plain function; what is heavy is imported inside it."""

from pathlib import Path
from typing import Annotated

import typer

from fedge import __version__
from fedge.cli_camera import Area, Device, Pixels, Rate, Turn, Wait, require_one
from fedge.cli_capture import capture
from fedge.cli_report import Json, Map, show
from fedge.cli_service import service_app
from fedge.cli_train import average, quantize, train
from fedge.errors import EXIT_USAGE
from fedge.extras import needs_extra
from fedge.optional import OptionalAddresses
from fedge.options import (
    CSV_FILES,
    CSV_MEGABYTES,
    DEFAULT_REJECT,
    ENTER,
    LEAVE,
    SQLITE_ROWS,
    UNSURE_MEGABYTES,
    UNSURE_SECONDS,
    CameraOptions,
    DecisionOptions,
    FaultLimits,
    OutputOptions,
    RecordOptions,
    RejectMode,
    RunOptions,
)
from fedge.telling import tell

app = typer.Typer(
    help="Labelled pictures to an int8 classifier on a Raspberry Pi camera, proved at each step.",
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    # Rich's help would double the time that `--help` takes.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Model = Annotated[str | None, typer.Argument(help="A model file, or the name of a shipped model.", show_default=False)]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"fedge {__version__}")
        raise typer.Exit


@app.callback()
def fedge(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Labelled pictures to an int8 classifier on a Raspberry Pi camera, proved at each step."""
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(EXIT_USAGE)


for command in (train, average, quantize):
    app.command()(command)


@app.command("eval")
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
    from fedge.evaluation import evaluate_model
    from fedge.evaluation_text import describe_evaluation

    if Path(model_or_run).is_dir():
        if page is not None:
            raise typer.BadParameter("--page goes with a model file, not a run folder")
        with needs_extra("train", "`fedge eval RUN`"):
            from fedge_train.evaluate import evaluate_run
        report = evaluate_run(Path(model_or_run), data, map)
    else:
        report = evaluate_model(model_or_run, data, map, page)
    for name in report["skipped"]:
        tell(f"skipped: {name}")
    show(report, describe_evaluation(report), as_json)


@app.command(cls=OptionalAddresses)
def run(
    model: Model = None,
    camera: Annotated[bool, typer.Option("--camera", help="Classify what a camera sees.")] = False,
    device: Device = None,
    source: Annotated[str | None, typer.Option(help="A picture, a folder, a glob pattern, a video or a URL.")] = None,
    frames: Annotated[int | None, typer.Option(help="Stop after this many.", min=1)] = None,
    width: Pixels = None,
    height: Pixels = None,
    fps: Rate = None,
    rotate: Turn = "0",
    region: Area = None,
    wait: Wait = False,
    stall_after: Annotated[float, typer.Option(help="Seconds without a frame that are a fault.", min=0.1)] = 2.0,
    frozen_after: Annotated[
        float, typer.Option(help="Seconds of one and the same picture that are a fault; 0: never.", min=0)
    ] = 10.0,
    max_age: Annotated[float, typer.Option(help="Seconds after which a frame gets no answer.", min=0.01)] = 1.0,
    smooth: Annotated[
        float | None, typer.Option(help="Seconds that a decision is averaged over; 1 s, or 0 for pictures.", min=0)
    ] = None,
    enter: Annotated[float, typer.Option(help="Mean score from which a class is decided on.", min=0.01, max=1)] = ENTER,
    leave: Annotated[float, typer.Option(help="Mean score below which it is given up.", min=0.01, max=1)] = LEAVE,
    background: Annotated[
        str | None,
        typer.Option(help="The empty scene: a file (written if not there), or `learn`; from the first frames."),
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Keep frames and decisions in this folder.")] = None,
    record_mb: Annotated[int, typer.Option(help="How much it may hold; the oldest goes first.", min=1)] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per frame on standard output.")] = False,
    csv: Annotated[Path | None, typer.Option(help="A row per frame in this file, which rotates.")] = None,
    csv_mb: Annotated[int, typer.Option(help="Megabytes that a CSV file may have.", min=1)] = CSV_MEGABYTES,
    csv_files: Annotated[int, typer.Option(help="How many CSV files are kept.", min=1)] = CSV_FILES,
    sqlite: Annotated[Path | None, typer.Option(help="A row per frame in this database.")] = None,
    sqlite_rows: Annotated[int, typer.Option(help="How many rows are kept.", min=1)] = SQLITE_ROWS,
    mqtt: Annotated[str | None, typer.Option(help="mqtt:// or mqtts://[USER@]HOST[:PORT][/TOPIC].")] = None,
    mqtt_ca: Annotated[Path | None, typer.Option(help="The authority of the broker's certificate, PEM.")] = None,
    mqtt_password_file: Annotated[Path | None, typer.Option(help="Instead of $FEDGE_MQTT_PASSWORD.")] = None,
    webhook: Annotated[
        str | None, typer.Option(envvar="FEDGE_WEBHOOK", help="POST JSON to this URL when the decision changes.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="[ADDRESS:PORT]", help="Metrics for Prometheus; 127.0.0.1:9464.")
    ] = None,
    window: Annotated[bool, typer.Option("--window", help="Show the picture in a window.")] = False,
    web: Annotated[
        str | None, typer.Option(metavar="[ADDRESS:PORT]", help="A web page with the live picture; 127.0.0.1:8080.")
    ] = None,
    web_token_file: Annotated[Path | None, typer.Option(help="Instead of $FEDGE_WEB_TOKEN.")] = None,
    unsure: Annotated[Path | None, typer.Option(help="Keep frames that the network is not sure of here.")] = None,
    unsure_mb: Annotated[int, typer.Option(help="How much it may hold; the oldest goes first.", min=1)] = (
        UNSURE_MEGABYTES
    ),
    unsure_every: Annotated[float, typer.Option(help="The least seconds between two of them.", min=0)] = UNSURE_SECONDS,
    show_input: Annotated[
        bool, typer.Option("--show-input", help="Show what the network sees, in the window or the terminal.")
    ] = False,
    reject: Annotated[
        RejectMode, typer.Option(help="How certain an answer must be; off answers wherever an object is.")
    ] = DEFAULT_REJECT,
) -> RunOptions:
    """Classify frames from a camera, or pictures and videos."""
    require_one(camera, source, device)
    if background is not None and record is not None:
        raise typer.BadParameter("--record keeps no empty scene to replay with: leave it or --background out")
    if show_input and as_json and not window:
        raise typer.BadParameter("--show-input goes with a terminal or --window; the page of --web always shows it")
    if leave > enter:
        raise typer.BadParameter("--leave must not be above --enter")
    return RunOptions(
        model,
        device,
        source,
        frames,
        as_json,
        CameraOptions(width, height, fps, rotate, region),
        FaultLimits(stall_after, frozen_after, max_age, wait),
        DecisionOptions(smooth, enter, leave),
        RecordOptions(record, record_mb * 1_000_000) if record else None,
        OutputOptions(
            csv=csv,
            csv_mb=csv_mb,
            csv_files=csv_files,
            sqlite=sqlite,
            sqlite_rows=sqlite_rows,
            mqtt=mqtt,
            mqtt_ca=mqtt_ca,
            mqtt_password_file=mqtt_password_file,
            webhook=webhook,
            metrics=metrics,
            window=window,
            web=web,
            web_token_file=web_token_file,
            unsure=unsure,
            unsure_mb=unsure_mb,
            unsure_seconds=unsure_every,
            show_input=show_input,
        ),
        background,
        reject,
    )


app.command()(capture)


@app.command()
def replay(
    recording: Annotated[Path, typer.Argument(help="A folder that `fedge run --record` wrote.")],
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Prove that a recording's frames get the same answers and decisions again."""
    from fedge.replay import describe_replay, require_same
    from fedge.replay import replay as work

    report = work(recording, model)
    show(report, describe_replay(report), as_json)
    require_same(report)


@app.command()
def info(model: Model = None, as_json: Json = False) -> None:
    """Show what is in a model file; without one, the shipped models."""
    from fedge.info import describe_info, model_info, shipped_info

    report = shipped_info() if model is None else model_info(model)
    show(report, describe_info(report), as_json)


@app.command()
def verify(model: Model = None, as_json: Json = False) -> None:
    """Prove that this machine gives the model's golden answers."""
    from fedge.verify import require_passed, verify_model

    report = verify_model(model)
    text = (
        f"{report['n']} golden pictures on {report['runtime']}: inputs differ by at most "
        f"{report['max_input_difference']} of 256 (allowed {report['input_tolerance']}), logits by at most "
        f"{report['max_logit_difference']} (allowed {report['logit_tolerance']})"
    )
    show(report, text, as_json)
    require_passed(report)


@app.command()
def bench(
    model: Model = None,
    frames: Annotated[int, typer.Option(help="How many frames to time.", min=1)] = 500,
    seconds: Annotated[
        float | None, typer.Option(help="Go on for so long, and watch heat and voltage on a Raspberry Pi.", min=0.1)
    ] = None,
    as_json: Json = False,
) -> None:
    """Time each stage on this machine, on one core."""
    from fedge import bench as work
    from fedge.classifier import load

    classifier = load(model)
    report = work.bench(classifier, frames)
    if seconds is not None:
        report["sustained"] = work.sustained(classifier, seconds)
    show(report, work.describe_bench(report), as_json)


@app.command()
def samples(
    folder: Annotated[Path, typer.Argument(help="A new folder for the PNG files.")],
    count: Annotated[int, typer.Option(help="How many, in equal shares of each class.", min=1, max=10_000)] = 20,
    seed: Annotated[int, typer.Option(help="Which ones.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Write Fashion-MNIST test pictures as files, to try a model on."""
    from fedge.samples import write_samples

    report = write_samples(folder, count, seed)
    show(report, f"{report['n']} pictures in {report['folder']}", as_json)


app.add_typer(service_app, name="service")

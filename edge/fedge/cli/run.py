"""The signature of `fedge run`."""

from pathlib import Path
from typing import Annotated

import typer

from fedge.cli.parameters import Area, Device, Model, Pixels, Rate, Turn, Wait, require_one
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

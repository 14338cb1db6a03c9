"""The signature of `fedge run`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from fedge.cli.parsing.parameters import (
    RARE,
    SOURCE,
    Area,
    Camera,
    Config,
    Device,
    Height,
    Model,
    Rate,
    SaveConfig,
    Source,
    Turn,
    Wait,
    Width,
    panel,
    require_one_source,
    save_config,
)
from fedge.options import (
    AGE_SECONDS,
    CSV_FILES,
    CSV_MEGABYTES,
    DEFAULT_ADDRESSES,
    DEFAULT_REJECT,
    ENTER,
    FROZEN_SECONDS,
    LEAVE,
    MEGABYTE,
    RECORD_MEGABYTES,
    SHADOW_SECONDS,
    SQLITE_ROWS,
    STALL_SECONDS,
    TRIAL_SECONDS,
    UNSURE_MEGABYTES,
    UNSURE_SECONDS,
    Address,
    Broker,
    CameraOptions,
    DecisionOptions,
    FaultLimits,
    OutputOptions,
    RecordOptions,
    RejectMode,
    RunOptions,
    SwapOptions,
    WebhookUrl,
    WhenOptions,
    parse_address,
    parse_broker,
    parse_webhook,
    parse_when,
)
from fedge.options.outputs import (
    CsvOptions,
    MetricsOptions,
    MqttOptions,
    SqliteOptions,
    UnsureOptions,
    WebhookOptions,
    WebOptions,
    WindowOptions,
)

DECISION, SHOW, SEND, KEEP, LIMITS = map(panel, ("Decision", "Show", "Send", "Keep", "Limits"))

EXAMPLES = """\
Examples:
  fedge run --source photo.jpg
  fedge run --camera --web
  fedge run my.tflite --device 0 --mqtt mqtt://broker --csv log.csv
"""


def run(
    context: typer.Context,
    model: Model = None,
    camera: Camera = False,
    device: Device = None,
    source: Source = None,
    wait: Wait = False,
    width: Width = None,
    height: Height = None,
    fps: Rate = None,
    rotate: Turn = 0,
    region: Area = None,
    background: Annotated[
        str | None,
        SOURCE(metavar="FILE|learn", help="The empty scene: a file (written if not there), or `learn`."),
    ] = None,
    reject: Annotated[
        RejectMode, DECISION(help="How certain an answer must be; off answers wherever an object is.")
    ] = DEFAULT_REJECT,
    when: Annotated[
        WhenOptions | None,
        DECISION(
            metavar="always|motion|every:S",
            help="Which frames are classified; the others keep the last answer.",
            show_default="always",
            parser=parse_when,
        ),
    ] = None,
    smooth: Annotated[
        float | None,
        DECISION(
            metavar="SECONDS",
            help="How long scores are averaged.",
            show_default="1, or 0 for single pictures",
            min=0,
        ),
    ] = None,
    enter: Annotated[
        float, DECISION(metavar="SCORE", help="Mean score from which a class is decided on.", min=0.01, max=1)
    ] = ENTER,
    leave: Annotated[
        float, DECISION(metavar="SCORE", help="Mean score below which the decision is given up.", min=0.01, max=1)
    ] = LEAVE,
    shadow: Annotated[
        float,
        DECISION(
            metavar="SECONDS",
            help="How long a new model of the store answers unseen, beside the running one.",
            min=0,
            **RARE,
        ),
    ] = SHADOW_SECONDS,
    trial: Annotated[
        float,
        DECISION(metavar="MINUTES", help="How long after the swap a new model may be rolled back.", min=0, **RARE),
    ] = TRIAL_SECONDS / 60,
    least_fps: Annotated[
        float | None,
        DECISION(
            metavar="FPS",
            help="Frames a second that a new model must keep up with.",
            show_default="the camera's",
            min=0.1,
            **RARE,
        ),
    ] = None,
    as_json: Annotated[bool, SHOW("--json", help="One JSON line per frame on standard output.")] = False,
    web: Annotated[
        Address | None,
        SHOW(
            metavar="[ADDRESS:PORT]",
            help=f"A web page with the live picture; {DEFAULT_ADDRESSES['--web']} if no address follows.",
            parser=partial(parse_address, option="--web"),
        ),
    ] = None,
    web_token_file: Annotated[
        Path | None, SHOW(metavar="FILE", help="Its first line opens the page; instead of $FEDGE_WEB_TOKEN.", **RARE)
    ] = None,
    window: Annotated[bool, SHOW("--window", help="The picture in a window.")] = False,
    show_input: Annotated[
        bool, SHOW("--show-input", help="What the network sees, in the window or the terminal.")
    ] = False,
    mqtt: Annotated[
        Broker | None,
        SEND(
            metavar="URL",
            help="Decisions to a broker: mqtt:// or mqtts://[USER@]HOST[:PORT][/TOPIC].",
            parser=parse_broker,
        ),
    ] = None,
    mqtt_password_file: Annotated[
        Path | None, SEND(metavar="FILE", help="Its first line is the password; instead of $FEDGE_MQTT_PASSWORD.")
    ] = None,
    mqtt_ca: Annotated[
        Path | None,
        SEND(metavar="FILE", help="The authority that signed the broker's certificate, PEM.", **RARE),
    ] = None,
    webhook: Annotated[
        WebhookUrl | None,
        SEND(
            metavar="URL",
            envvar="FEDGE_WEBHOOK",
            show_envvar=True,
            help="POST JSON there when the decision changes.",
            parser=parse_webhook,
        ),
    ] = None,
    metrics: Annotated[
        Address | None,
        SEND(
            metavar="[ADDRESS:PORT]",
            help=f"Metrics for Prometheus; {DEFAULT_ADDRESSES['--metrics']} if no address follows.",
            parser=partial(parse_address, option="--metrics"),
        ),
    ] = None,
    csv: Annotated[Path | None, KEEP(metavar="FILE", help="A row per frame; the file rotates.")] = None,
    sqlite: Annotated[Path | None, KEEP(metavar="FILE", help="A row per frame in a database.")] = None,
    unsure: Annotated[Path | None, KEEP(metavar="FOLDER", help="Frames that the network is not sure of.")] = None,
    record: Annotated[Path | None, KEEP(metavar="FOLDER", help="Frames and decisions, for `fedge replay`.")] = None,
    frames: Annotated[
        int | None, LIMITS(metavar="N", help="Stop after so many frames.", show_default="never", min=1)
    ] = None,
    max_age: Annotated[float, LIMITS(metavar="SECONDS", help="An older frame gets no answer.", min=0.01)] = AGE_SECONDS,
    stall_after: Annotated[
        float, LIMITS(metavar="SECONDS", help="Without a frame for so long there is a fault.", min=0.1, **RARE)
    ] = STALL_SECONDS,
    frozen_after: Annotated[
        float,
        LIMITS(metavar="SECONDS", help="With the same picture for so long there is a fault; 0: never.", min=0, **RARE),
    ] = FROZEN_SECONDS,
    csv_mb: Annotated[
        int, LIMITS(metavar="MB", help="Megabytes that a CSV file may have.", min=1, **RARE)
    ] = CSV_MEGABYTES,
    csv_files: Annotated[int, LIMITS(metavar="N", help="CSV files that are kept.", min=1, **RARE)] = CSV_FILES,
    sqlite_rows: Annotated[int, LIMITS(metavar="N", help="Rows that are kept.", min=1, **RARE)] = SQLITE_ROWS,
    unsure_mb: Annotated[
        int, LIMITS(metavar="MB", help="Megabytes of --unsure; the oldest goes first.", min=1, **RARE)
    ] = UNSURE_MEGABYTES,
    unsure_every: Annotated[
        float, LIMITS(metavar="SECONDS", help="The least time between two frames of --unsure.", min=0, **RARE)
    ] = UNSURE_SECONDS,
    record_mb: Annotated[
        int, LIMITS(metavar="MB", help="Megabytes of --record; the oldest goes first.", min=1, **RARE)
    ] = RECORD_MEGABYTES,
    config: Config = None,
    save: SaveConfig = None,
) -> RunOptions:
    """Classify frames from a camera, or pictures and videos."""
    if model is not None and source is None and not camera and device is None and _looks_like_a_source(Path(model)):
        raise typer.BadParameter(f"{model} is no model; to classify it write --source {model}")
    require_one_source(camera, source, device)
    if background is not None and record is not None:
        raise typer.BadParameter(
            "--record does not keep the empty scene that a replay needs; leave out --record or --background"
        )
    if when is not None and record is not None and when != WhenOptions():
        raise typer.BadParameter("--record needs every frame to be classified; leave out --record or --when")
    if show_input and as_json and not window:
        raise typer.BadParameter("--show-input goes with a terminal or --window; the page of --web always shows it")
    if leave > enter:
        raise typer.BadParameter("--leave must not be above --enter")
    save_config(context, save)
    outputs: list[OutputOptions | None] = [
        CsvOptions(csv, csv_mb * MEGABYTE, csv_files) if csv else None,
        SqliteOptions(sqlite, sqlite_rows) if sqlite else None,
        MetricsOptions(metrics) if metrics else None,
        WebhookOptions(webhook) if webhook else None,
        MqttOptions(mqtt, mqtt_ca, mqtt_password_file) if mqtt else None,
        WindowOptions(show_input) if window else None,
        WebOptions(web, web_token_file) if web else None,
        UnsureOptions(unsure, unsure_mb * MEGABYTE, unsure_every) if unsure else None,
    ]
    return RunOptions(
        model,
        device,
        source,
        frames,
        as_json,
        CameraOptions(width, height, fps, rotate, region),
        FaultLimits(stall_after, frozen_after, max_age, wait),
        DecisionOptions(smooth, enter, leave),
        RecordOptions(record, record_mb * MEGABYTE) if record else None,
        tuple(output for output in outputs if output is not None),
        background,
        reject,
        show_input and not window,
        SwapOptions(shadow, trial * 60, least_fps),
        when or WhenOptions(),
    )


def _looks_like_a_source(path: Path) -> bool:
    if path.is_dir():
        return not (any(path.glob("*.tflite")) or (path / "config.json").is_file())
    return path.is_file() and path.suffix != ".tflite"

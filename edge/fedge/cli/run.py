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
    Device,
    Model,
    Pixels,
    Rate,
    Source,
    Turn,
    Wait,
    panel,
    require_one_source,
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
    SQLITE_ROWS,
    STALL_SECONDS,
    UNSURE_MEGABYTES,
    UNSURE_SECONDS,
    Address,
    Broker,
    CameraOptions,
    CsvOptions,
    DecisionOptions,
    FaultLimits,
    MetricsOptions,
    MqttOptions,
    OutputOptions,
    RecordOptions,
    RejectMode,
    RunOptions,
    SqliteOptions,
    UnsureOptions,
    WebhookOptions,
    WebhookUrl,
    WebOptions,
    WindowOptions,
    parse_address,
    parse_broker,
    parse_webhook,
)

DECISION, SHOW, SEND, KEEP, LIMITS = map(panel, ("Decision", "Show", "Send", "Keep", "Limits"))

EXAMPLES = """\
Examples:
  fedge run --source photo.jpg
  fedge run --camera --web
  fedge run my.tflite --device 0 --mqtt mqtt://broker --csv log.csv
"""


def run(
    model: Model = None,
    camera: Camera = False,
    device: Device = None,
    source: Source = None,
    wait: Wait = False,
    width: Pixels = None,
    height: Pixels = None,
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
    smooth: Annotated[
        float | None,
        DECISION(
            metavar="SECONDS",
            help="Over which scores are averaged.",
            show_default="1, or 0 for single pictures",
            min=0,
        ),
    ] = None,
    enter: Annotated[
        float, DECISION(metavar="SCORE", help="Mean score from which a class is decided on.", min=0.01, max=1)
    ] = ENTER,
    leave: Annotated[
        float, DECISION(metavar="SCORE", help="Mean score below which it is given up.", min=0.01, max=1)
    ] = LEAVE,
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
        SEND(metavar="FILE", help="The authority of the broker's certificate, PEM.", **RARE),
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
    frames: Annotated[int | None, LIMITS(metavar="N", help="Stop after so many.", show_default="never", min=1)] = None,
    max_age: Annotated[
        float, LIMITS(metavar="SECONDS", help="After which a frame gets no answer.", min=0.01)
    ] = AGE_SECONDS,
    stall_after: Annotated[
        float, LIMITS(metavar="SECONDS", help="Without a frame that are a fault.", min=0.1, **RARE)
    ] = STALL_SECONDS,
    frozen_after: Annotated[
        float, LIMITS(metavar="SECONDS", help="Of the same picture that are a fault; 0: never.", min=0, **RARE)
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
        float, LIMITS(metavar="SECONDS", help="The least between two of --unsure.", min=0, **RARE)
    ] = UNSURE_SECONDS,
    record_mb: Annotated[
        int, LIMITS(metavar="MB", help="Megabytes of --record; the oldest goes first.", min=1, **RARE)
    ] = RECORD_MEGABYTES,
) -> RunOptions:
    """Classify frames from a camera, or pictures and videos."""
    require_one_source(camera, source, device)
    if background is not None and record is not None:
        raise typer.BadParameter("--record keeps no empty scene to replay with: leave it or --background out")
    if show_input and as_json and not window:
        raise typer.BadParameter("--show-input goes with a terminal or --window; the page of --web always shows it")
    if leave > enter:
        raise typer.BadParameter("--leave must not be above --enter")
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
    )

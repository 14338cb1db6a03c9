"""The signature of `fedge run`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from fedge.cli.parsing.camera_tables import to_cameras
from fedge.cli.parsing.command import CAMERAS
from fedge.cli.parsing.output_parameters import (
    Csv,
    Exec,
    ExecAtOnce,
    ExecSeconds,
    JsonLines,
    Metrics,
    Mqtt,
    MqttAuthority,
    MqttPasswordFile,
    Record,
    Save,
    ShowInput,
    Sqlite,
    Unsure,
    Web,
    Webhook,
    WebTokenFile,
    Window,
)
from fedge.cli.parsing.parameters import (
    RARE,
    SOURCE,
    Areas,
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
    DEFAULT_REJECT,
    ENTER,
    FROZEN_SECONDS,
    LEAVE,
    MEGABYTE,
    PROGRAM_SECONDS,
    PROGRAMS_AT_ONCE,
    RECORD_MEGABYTES,
    SHADOW_SECONDS,
    SQLITE_ROWS,
    STALL_SECONDS,
    TRIAL_SECONDS,
    UNSURE_MEGABYTES,
    UNSURE_SECONDS,
    VIDEO_MEGABYTES,
    CameraOptions,
    DecisionOptions,
    FaultLimits,
    OutputOptions,
    PlaybackOptions,
    RecordOptions,
    RejectMode,
    RunOptions,
    SwapOptions,
    WhenOptions,
    parse_when,
    require_names_apart,
)
from fedge.options.outputs import (
    CsvOptions,
    MetricsOptions,
    MqttOptions,
    ProgramOptions,
    SqliteOptions,
    UnsureOptions,
    VideoOptions,
    WebhookOptions,
    WebOptions,
    WindowOptions,
)

DECISION, LIMITS = map(panel, ("Decision", "Limits"))

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
    loop: Annotated[bool, SOURCE("--loop", help="Play a file or folder again and again.")] = False,
    realtime: Annotated[
        bool, SOURCE("--realtime", help="Play a video as fast as it was recorded, pictures a second each.")
    ] = False,
    wait: Wait = False,
    width: Width = None,
    height: Height = None,
    fps: Rate = None,
    rotate: Turn = 0,
    region: Areas = None,
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
    as_json: JsonLines = False,
    web: Web = None,
    web_token_file: WebTokenFile = None,
    window: Window = False,
    show_input: ShowInput = False,
    mqtt: Mqtt = None,
    mqtt_password_file: MqttPasswordFile = None,
    mqtt_ca: MqttAuthority = None,
    webhook: Webhook = None,
    exec_: Exec = None,
    exec_at_once: ExecAtOnce = PROGRAMS_AT_ONCE,
    exec_seconds: ExecSeconds = PROGRAM_SECONDS,
    metrics: Metrics = None,
    csv: Csv = None,
    sqlite: Sqlite = None,
    unsure: Unsure = None,
    save: Save = None,
    record: Record = None,
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
    save_mb: Annotated[
        int, LIMITS(metavar="MB", help="Megabytes that the video of --save may have.", min=1, **RARE)
    ] = VIDEO_MEGABYTES,
    record_mb: Annotated[
        int, LIMITS(metavar="MB", help="Megabytes of --record; the oldest goes first.", min=1, **RARE)
    ] = RECORD_MEGABYTES,
    config: Config = None,
    saved_config: SaveConfig = None,
) -> RunOptions:
    """Classify frames from a camera, or pictures and videos."""
    if model is not None and source is None and not camera and device is None and _looks_like_a_source(Path(model)):
        raise typer.BadParameter(f"{model} is no model; to classify it write --source {model}")
    tables = context.meta.get(CAMERAS, [])
    if not tables:
        require_one_source(camera, source, device)
    elif camera or source is not None or device is not None or region:
        raise typer.BadParameter("[[camera]] says where frames come from: leave out camera, source, device and region")
    if background is not None and record is not None:
        raise typer.BadParameter(
            "--record does not keep the empty scene that a replay needs; leave out --record or --background"
        )
    if when is not None and record is not None and when != WhenOptions():
        raise typer.BadParameter("--record needs every frame to be classified; leave out --record or --when")
    if show_input and as_json and not window:
        raise typer.BadParameter("--show-input goes with a terminal or --window; the page of --web always shows it")
    if (loop or realtime) and source is None and not tables:
        raise typer.BadParameter("--loop and --realtime play files; give one with --source")
    if leave > enter:
        raise typer.BadParameter("--leave must not be above --enter")
    regions = tuple(region or ())
    require_names_apart(regions)
    named = any(each.name for each in regions)
    parts = "[[camera]]" if tables else "named regions"
    alone: dict[str, object] = {
        "--record": record,
        "--unsure": unsure,
        "--save": save,
        "--background": background,
        "--window": window,
        "--show-input": show_input,
    }
    for option, value in alone.items():
        if (named or tables) and value:
            raise typer.BadParameter(f"{option} does not go with {parts}; leave out {option} or these")
    outputs: list[OutputOptions | None] = [
        CsvOptions(csv, csv_mb * MEGABYTE, csv_files) if csv else None,
        SqliteOptions(sqlite, sqlite_rows) if sqlite else None,
        MetricsOptions(metrics) if metrics else None,
        WebhookOptions(webhook) if webhook else None,
        MqttOptions(mqtt, mqtt_ca, mqtt_password_file) if mqtt else None,
        WindowOptions(show_input) if window else None,
        WebOptions(web, web_token_file) if web else None,
        UnsureOptions(unsure, unsure_mb * MEGABYTE, unsure_every) if unsure else None,
        ProgramOptions(exec_, exec_at_once, exec_seconds) if exec_ else None,
        VideoOptions(save, save_mb * MEGABYTE) if save else None,
    ]
    options = RunOptions(
        model,
        device,
        source,
        frames,
        as_json,
        CameraOptions(width, height, fps, rotate, regions[0] if regions and not named else None),
        FaultLimits(stall_after, frozen_after, max_age, wait),
        DecisionOptions(smooth, enter, leave),
        RecordOptions(record, record_mb * MEGABYTE) if record else None,
        tuple(output for output in outputs if output is not None),
        background,
        reject,
        show_input and not window,
        SwapOptions(shadow, trial * 60, least_fps),
        when or WhenOptions(),
        PlaybackOptions(loop, realtime),
        regions if named else (),
    )
    options = replace(options, cameras=to_cameras(options, tables))
    save_config(context, saved_config)
    return options


def _looks_like_a_source(path: Path) -> bool:
    if path.is_dir():
        return not (any(path.glob("*.tflite")) or (path / "config.json").is_file())
    return path.is_file() and path.suffix != ".tflite"

"""From the options of outputs to open outputs.

A new kind is a dataclass in `options.outputs`, its options in the signature of `cli.run`, and an opener here, with a
check where it needs what may be missing: an extra, a secret.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedge.errors import OutputError
from fedge.images.preprocess import Recipe
from fedge.model.classifier import Classifier
from fedge.options import Address, DecisionOptions
from fedge.options.outputs import (
    CsvOptions,
    MetricsOptions,
    MqttOptions,
    OutputOptions,
    ProgramOptions,
    SqliteOptions,
    UnsureOptions,
    VideoOptions,
    WebhookOptions,
    WebOptions,
    WindowOptions,
)
from fedge.outputs.base import Output
from fedge.outputs.network.addresses import read_secret
from fedge.runner.health import Health
from fedge.store.store import Store
from fedge.system.console import echo
from fedge.system.extras import needs_extra

Secrets = Mapping[str, str]

USUAL_DECISION = DecisionOptions()

MQTT_PASSWORD, WEB_TOKEN = "FEDGE_MQTT_PASSWORD", "FEDGE_WEB_TOKEN"


@dataclass(frozen=True)
class Run:
    """What outputs are told of the run.

    Attributes:
        labels: the model's, in output order.
        recipe: its preprocessing.
        health: the run's.
        moving: whether frames are of a camera or a video, not single pictures.
        running: gives the classifier that answers now, from any thread; None where no output may use it.
        decision: how its answers become decisions.
        store: the one whose current model the run follows; None where it follows none.
        regions: the names of those that are classified by themselves; none where it is the whole picture.
        classifiers: of each region of several cameras, by its name, CAMERA or CAMERA/PART; else none.
    """

    labels: tuple[str, ...]
    recipe: Recipe
    health: Health
    moving: bool = True
    running: Callable[[], Classifier] | None = None
    decision: DecisionOptions = USUAL_DECISION
    store: Store | None = None
    regions: tuple[str, ...] = ()
    classifiers: Mapping[str, Classifier] = field(default_factory=dict)


def open_outputs(options: Sequence[OutputOptions], run: Run) -> list[Output]:
    """Opens the outputs asked for, and systemd's where it started this; raises OutputError or MissingExtra.

    Those already open are closed again when a later one cannot be opened.
    """
    with ExitStack() as opened:
        outputs = []
        for output in _each(options, run):
            opened.callback(output.close)
            outputs.append(output)
        opened.pop_all()
    return outputs


def _each(options: Sequence[OutputOptions], run: Run) -> Iterator[Output]:
    if os.environ.get("NOTIFY_SOCKET"):
        from fedge.outputs.systemd import from_environment

        yield from filter(None, [from_environment()])
    for asked in options:
        yield OUTPUTS[type(asked)].open(asked, run)


def check_output(options: OutputOptions, secrets: Secrets, environment: Path) -> None:
    """Raises the FedgeError with which an output would not open in a service; opens nothing.

    `secrets` are the variables of the service's `environment` file.
    """
    check = OUTPUTS[type(options)].check
    if check is not None:
        check(options, secrets, environment)


@dataclass(frozen=True)
class Opener:
    """How a kind of output is opened, and what is checked before it is to be opened in a service, if anything."""

    open: Callable[[Any, Run], Output]
    check: Callable[[Any, Secrets, Path], None] | None = None


# Each is imported only where it is used: together they would cost time and megabytes that a small Pi has not.


def _csv(options: CsvOptions, run: Run) -> Output:
    from fedge.outputs.files.csv_file import CsvFile

    return CsvFile(options.path, options.limit_bytes, options.files, bool(run.regions))


def _sqlite(options: SqliteOptions, run: Run) -> Output:
    from fedge.outputs.files.sqlite_file import SqliteFile

    return SqliteFile(options.path, options.rows, bool(run.regions))


def _metrics(options: MetricsOptions, run: Run) -> Output:
    from fedge.outputs.network.prometheus import Metrics

    metrics = Metrics(options.address, run.health)
    if options.address.port == 0:
        echo(f"the metrics are at http://{Address(options.address.host, metrics.port)}/metrics")
    return metrics


def _webhook(options: WebhookOptions, run: Run) -> Output:
    from fedge.outputs.network.webhook import Webhook

    return Webhook(options.url)


def _mqtt(options: MqttOptions, run: Run) -> Output:
    password = read_secret(MQTT_PASSWORD, options.password_file, "--mqtt-password-file")
    with needs_extra("mqtt", "--mqtt"):
        from fedge.outputs.mqtt.client import Mqtt
    from fedge.outputs.mqtt.topic import claim_topic

    return Mqtt(claim_topic(options.broker), password, options.authority, store=run.store, regions=run.regions)


def _check_mqtt(options: MqttOptions, secrets: Secrets, environment: Path) -> None:
    with needs_extra("mqtt", "--mqtt"):
        import paho.mqtt.client  # noqa: F401
    broker = options.broker
    if broker.tls or options.authority is not None:
        from fedge.outputs.mqtt.connection import tls_context

        tls_context(options.authority)
    password = _secret(MQTT_PASSWORD, options.password_file, "--mqtt-password-file", secrets)
    if password and broker.user is None:
        raise OutputError("--mqtt has a password and no user", f"give mqtt://USER@{broker.host}, or no password")


def _window(options: WindowOptions, run: Run) -> Output:
    from fedge.outputs.screen.window import Window

    return Window(run.recipe, options.show_input)


def _web(options: WebOptions, run: Run) -> Output:
    from fedge.outputs.web.token import announce, choose_token

    given = read_secret(WEB_TOKEN, options.token_file, "--web-token-file")
    token = choose_token(given, options.address)
    with needs_extra("web", "--web"):
        from fedge.outputs.web.api import PictureClassifier
        from fedge.outputs.web.server import WebPage
    pictures = None if run.running is None else PictureClassifier(run.running, run.decision)
    page = WebPage(
        options.address,
        token,
        run.labels,
        run.recipe,
        pictures=pictures,
        regions=run.regions,
        classifiers=run.classifiers,
    )
    fresh = token if given is None else None
    if fresh or options.address.port == 0 or sys.stderr.isatty():
        announce(Address(options.address.host, page.port), fresh)
    return page


def _check_web(options: WebOptions, secrets: Secrets, environment: Path) -> None:
    from fedge.outputs.web.token import choose_token

    with needs_extra("web", "--web"):
        import uvicorn  # noqa: F401
    token = _secret(WEB_TOKEN, options.token_file, "--web-token-file", secrets)
    if token is None and not options.address.is_loopback:
        raise OutputError(
            f"a web page on {options.address} needs a token",
            f"write {WEB_TOKEN}=... into {environment}, give --web-token-file, or use 127.0.0.1",
        )
    choose_token(token, options.address)


def _unsure(options: UnsureOptions, run: Run) -> Output:
    from fedge.outputs.files.unsure_frames import UnsureFrames

    return UnsureFrames(options.folder, options.limit_bytes, options.seconds, run.labels)


def _program(options: ProgramOptions, run: Run) -> Output:
    from fedge.outputs.program import RunProgram

    return RunProgram(options.program, options.at_once, options.seconds)


def _video(options: VideoOptions, run: Run) -> Output:
    from fedge.outputs.files.video_file import VideoFile

    return VideoFile(options.path, options.limit_bytes, run.recipe, run.moving)


def _check_video(options: VideoOptions, secrets: Secrets, environment: Path) -> None:
    raise OutputError(
        "a service runs for years, and a video of --save ends when it is full", "give --record, which is bounded"
    )


def _secret(variable: str, path: Path | None, option: str, secrets: Secrets) -> str | None:
    return read_secret(variable, path, option) if path is not None else secrets.get(variable) or None


OUTPUTS: Mapping[type[OutputOptions], Opener] = {
    CsvOptions: Opener(_csv),
    SqliteOptions: Opener(_sqlite),
    MetricsOptions: Opener(_metrics),
    WebhookOptions: Opener(_webhook),
    MqttOptions: Opener(_mqtt, _check_mqtt),
    WindowOptions: Opener(_window),
    WebOptions: Opener(_web, _check_web),
    UnsureOptions: Opener(_unsure),
    ProgramOptions: Opener(_program),
    VideoOptions: Opener(_video, _check_video),
}
"""Every kind of output, by its options."""

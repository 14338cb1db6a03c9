"""From the options of outputs to open outputs. A new kind is a dataclass in `options.outputs` and an opener here."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from fedge.images.preprocess import Recipe
from fedge.options import (
    Address,
    CsvOptions,
    MetricsOptions,
    MqttOptions,
    OutputOptions,
    SqliteOptions,
    UnsureOptions,
    WebhookOptions,
    WebOptions,
    WindowOptions,
)
from fedge.outputs.base import Output
from fedge.outputs.network.addresses import read_secret
from fedge.runner.health import Health
from fedge.system.console import echo
from fedge.system.extras import needs_extra

MQTT_PASSWORD, WEB_TOKEN = "FEDGE_MQTT_PASSWORD", "FEDGE_WEB_TOKEN"


@dataclass(frozen=True)
class Run:
    """What outputs are told of the run: the model's labels, in output order, its recipe, and the run's health."""

    labels: tuple[str, ...]
    recipe: Recipe
    health: Health


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
        yield _OPENERS[type(asked)](asked, run)


# Each is imported only where it is used: together they would cost time and megabytes that a small Pi has not.


def _csv(options: CsvOptions, run: Run) -> Output:
    from fedge.outputs.files.csv_file import CsvFile

    return CsvFile(options.path, options.limit_bytes, options.files)


def _sqlite(options: SqliteOptions, run: Run) -> Output:
    from fedge.outputs.files.sqlite_file import SqliteFile

    return SqliteFile(options.path, options.rows)


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

    return Mqtt(claim_topic(options.broker), password, options.authority)


def _window(options: WindowOptions, run: Run) -> Output:
    from fedge.outputs.screen.window import Window

    return Window(run.recipe, options.show_input)


def _web(options: WebOptions, run: Run) -> Output:
    from fedge.outputs.web.token import announce, choose_token

    given = read_secret(WEB_TOKEN, options.token_file, "--web-token-file")
    token = choose_token(given, options.address)
    with needs_extra("web", "--web"):
        from fedge.outputs.web.server import WebPage
    page = WebPage(options.address, token, run.labels, run.recipe)
    fresh = token if given is None else None
    if fresh or options.address.port == 0 or sys.stderr.isatty():
        announce(Address(options.address.host, page.port), fresh)
    return page


def _unsure(options: UnsureOptions, run: Run) -> Output:
    from fedge.outputs.files.unsure_frames import UnsureFrames

    return UnsureFrames(options.folder, options.limit_bytes, options.seconds, run.labels)


_OPENERS: Mapping[type[OutputOptions], Callable[[Any, Run], Output]] = {
    CsvOptions: _csv,
    SqliteOptions: _sqlite,
    MetricsOptions: _metrics,
    WebhookOptions: _webhook,
    MqttOptions: _mqtt,
    WindowOptions: _window,
    WebOptions: _web,
    UnsureOptions: _unsure,
}

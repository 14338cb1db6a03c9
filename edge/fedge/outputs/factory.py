"""From the command line's options to outputs."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

from fedge.images.preprocess import Recipe
from fedge.options import OutputOptions
from fedge.outputs.base import Output
from fedge.outputs.network.addresses import Address, parse_address, read_secret
from fedge.runner.health import Health
from fedge.system.console import echo
from fedge.system.extras import needs_extra

MQTT_PASSWORD, WEB_TOKEN = "FEDGE_MQTT_PASSWORD", "FEDGE_WEB_TOKEN"


def open_outputs(options: OutputOptions, labels: tuple[str, ...], recipe: Recipe, health: Health) -> list[Output]:
    """Opens the outputs asked for, and systemd's where it started this; raises OutputError or MissingExtra.

    `labels` and `recipe` are those of the model whose answers they are given.

    Those already open are closed again when a later one cannot be opened.
    """
    with ExitStack() as opened:
        outputs = []
        for output in _each(options, labels, recipe, health):
            opened.callback(output.close)
            outputs.append(output)
        opened.pop_all()
    return outputs


def _each(options: OutputOptions, labels: tuple[str, ...], recipe: Recipe, health: Health) -> Iterator[Output]:
    # Each is imported only where it is used: together they would cost time and megabytes that a small Pi has not.
    if os.environ.get("NOTIFY_SOCKET"):
        from fedge.outputs.systemd import from_environment

        yield from filter(None, [from_environment()])
    if options.csv is not None:
        from fedge.outputs.files.csv_file import CsvFile

        yield CsvFile(options.csv, options.csv_mb * 1_000_000, options.csv_files)
    if options.sqlite is not None:
        from fedge.outputs.files.sqlite_file import SqliteFile

        yield SqliteFile(options.sqlite, options.sqlite_rows)
    if options.metrics is not None:
        from fedge.outputs.network.prometheus import Metrics

        address = parse_address(options.metrics, "--metrics")
        metrics = Metrics(address, health)
        if address.port == 0:
            echo(f"the metrics are at http://{Address(address.host, metrics.port)}/metrics")
        yield metrics
    if options.webhook is not None:
        from fedge.outputs.network.webhook import Webhook

        yield Webhook(options.webhook)
    if options.mqtt is not None:
        yield _mqtt(options.mqtt, options)
    if options.window:
        from fedge.outputs.screen.window import Window

        yield Window(recipe, options.show_input)
    if options.web is not None:
        yield _web(options.web, options, labels, recipe)
    if options.unsure is not None:
        from fedge.outputs.files.unsure_frames import UnsureFrames

        limit_bytes = options.unsure_mb * 1_000_000
        yield UnsureFrames(options.unsure, limit_bytes, options.unsure_seconds, labels)


def _mqtt(url: str, options: OutputOptions) -> Output:
    from fedge.outputs.mqtt.broker import parse_broker

    broker = parse_broker(url)
    password = read_secret(MQTT_PASSWORD, options.mqtt_password_file, "--mqtt-password-file")
    with needs_extra("mqtt", "--mqtt"):
        from fedge.outputs.mqtt.client import Mqtt
    from fedge.outputs.mqtt.topic import claim_topic

    return Mqtt(claim_topic(broker), password, options.mqtt_ca)


def _web(text: str, options: OutputOptions, labels: tuple[str, ...], recipe: Recipe) -> Output:
    from fedge.outputs.web.token import announce, choose_token

    address = parse_address(text, "--web")
    given = read_secret(WEB_TOKEN, options.web_token_file, "--web-token-file")
    token = choose_token(given, address)
    with needs_extra("web", "--web"):
        from fedge.outputs.web.server import WebPage
    page = WebPage(address, token, labels, recipe)
    fresh = token if given is None else None
    if fresh or address.port == 0:
        announce(Address(address.host, page.port), fresh)
    return page

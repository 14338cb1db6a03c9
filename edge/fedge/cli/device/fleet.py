"""The commands `fedge fleet ...`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from fedge.cli.parsing.parameters import Json, print_report
from fedge.options import parse_broker
from fedge.system.extras import needs_extra

if TYPE_CHECKING:
    from fedge.commands.device.fleet import FleetReport

# Where and how the devices are listened to; `fedge release promote` asks them too.
Authority = Annotated[
    Path | None, typer.Option("--mqtt-ca", metavar="FILE", help="PEM file of the authority of a TLS broker.")
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--mqtt-password-file", metavar="FILE", help="Its first line is the password; else $FEDGE_MQTT_PASSWORD."
    ),
]
Listen = Annotated[
    float,
    typer.Option("--seconds", metavar="SECONDS", help="How long to listen for devices.", min=0.1, max=3600),
]

fleet_app = typer.Typer(help="All devices that publish at one MQTT broker.", rich_markup_mode=None)


@fleet_app.command("status")
def fleet_status(
    mqtt: Annotated[
        str, typer.Option(help="The broker, and the topic above the devices': mqtt://[USER@]HOST[/TOPIC].")
    ],
    seconds: Listen = 2.0,
    mqtt_ca: Authority = None,
    mqtt_password_file: PasswordFile = None,
    as_json: Json = False,
) -> int:
    """Show each device's model, version, rate, unknown answers and faults; exit code 1 where one is in error."""
    report = fleet_report(mqtt, seconds, mqtt_password_file, mqtt_ca)
    from fedge.commands.device import fleet as work

    print_report(work.as_json(report) if as_json else work.as_text(report))
    return 1 if report.in_error else 0


def fleet_report(mqtt: str, seconds: float, password_file: Path | None, authority: Path | None) -> "FleetReport":
    """What the devices under an address publish of themselves. Raises FedgeError."""
    broker = parse_broker(mqtt)
    with needs_extra("mqtt", "fedge fleet"):
        from fedge.commands.device.fleet import fleet_status as listen
        from fedge.outputs.mqtt.devices import ANY
    topic = broker.topic if urlsplit(mqtt).path.strip("/") else ANY
    return listen(broker, topic, seconds, password_file, authority)

"""The options of `fedge run` that say where answers go, as the groups of its help have them."""

from functools import partial
from pathlib import Path
from typing import Annotated

from fedge.cli.parsing.parameters import RARE, panel
from fedge.options import (
    DEFAULT_ADDRESSES,
    Address,
    Broker,
    Program,
    WebhookUrl,
    parse_address,
    parse_broker,
    parse_program,
    parse_webhook,
)

SHOW, SEND, KEEP = map(panel, ("Show", "Send", "Keep"))

JsonLines = Annotated[bool, SHOW("--json", help="One JSON line per frame on standard output.")]
Web = Annotated[
    Address | None,
    SHOW(
        metavar="[ADDRESS:PORT]",
        help=f"A web page with the live picture; {DEFAULT_ADDRESSES['--web']} if no address follows.",
        parser=partial(parse_address, option="--web"),
    ),
]
WebTokenFile = Annotated[
    Path | None, SHOW(metavar="FILE", help="Its first line opens the page; instead of $FEDGE_WEB_TOKEN.", **RARE)
]
Window = Annotated[bool, SHOW("--window", help="The picture in a window.")]
ShowInput = Annotated[bool, SHOW("--show-input", help="What the network sees, in the window or the terminal.")]
Mqtt = Annotated[
    Broker | None,
    SEND(
        metavar="URL",
        help="Decisions to a broker: mqtt:// or mqtts://[USER@]HOST[:PORT][/TOPIC].",
        parser=parse_broker,
    ),
]
MqttPasswordFile = Annotated[
    Path | None, SEND(metavar="FILE", help="Its first line is the password; instead of $FEDGE_MQTT_PASSWORD.")
]
MqttAuthority = Annotated[
    Path | None,
    SEND(metavar="FILE", help="The authority that signed the broker's certificate, PEM.", **RARE),
]
Webhook = Annotated[
    WebhookUrl | None,
    SEND(
        metavar="URL",
        envvar="FEDGE_WEBHOOK",
        show_envvar=True,
        help="POST JSON there when the decision changes.",
        parser=parse_webhook,
    ),
]
Exec = Annotated[
    Program | None,
    SEND(
        "--exec",
        metavar="COMMAND",
        help="Run a program when the decision changes; it reads JSON from standard input. No shell.",
        parser=parse_program,
    ),
]
ExecAtOnce = Annotated[
    int, SEND("--exec-at-once", metavar="N", help="How many programs of --exec may run.", min=1, **RARE)
]
ExecSeconds = Annotated[
    float,
    SEND("--exec-seconds", metavar="SECONDS", help="After so long a program is killed.", min=0.1, **RARE),
]
Metrics = Annotated[
    Address | None,
    SEND(
        metavar="[ADDRESS:PORT]",
        help=f"Metrics for Prometheus; {DEFAULT_ADDRESSES['--metrics']} if no address follows.",
        parser=partial(parse_address, option="--metrics"),
    ),
]
Csv = Annotated[Path | None, KEEP(metavar="FILE", help="A row per frame; the file rotates.")]
Sqlite = Annotated[Path | None, KEEP(metavar="FILE", help="A row per frame in a database.")]
Unsure = Annotated[Path | None, KEEP(metavar="FOLDER", help="Frames that the network is not sure of.")]
Save = Annotated[
    Path | None, KEEP("--save", metavar="FILE", help="A video with the answers drawn into it: .mp4, .mkv or .avi.")
]
Record = Annotated[Path | None, KEEP(metavar="FOLDER", help="Frames and decisions, for `fedge replay`.")]

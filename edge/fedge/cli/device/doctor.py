"""The command `fedge doctor`."""

import sys
from typing import Annotated

import typer

from fedge.cli.parsing.parameters import Json, print_report


def doctor(
    mqtt: Annotated[str | None, typer.Option(help="A broker that must answer: mqtt://HOST[:PORT].")] = None,
    url: Annotated[str | None, typer.Option(help="A web server that must answer.")] = None,
    as_json: Json = False,
) -> int:
    """Look for what keeps fedge from working here, and name what mends it; exit code 1 where something does."""
    from fedge.commands.device.doctor import examination as work

    findings = []
    for finding in work.examine(mqtt, url):
        findings.append(finding)
        if not as_json:
            print_report(work.as_text(finding))
            sys.stdout.flush()
    if as_json:
        print_report(work.as_json(findings))
    return 0 if work.is_healthy(findings) else 1

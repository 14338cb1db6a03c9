"""The command `fedge doctor`."""

from typing import Annotated

import typer

from fedge.cli.parsing.parameters import Json


def doctor(
    mqtt: Annotated[str | None, typer.Option(help="A broker that must answer: mqtt://HOST[:PORT].")] = None,
    url: Annotated[str | None, typer.Option(help="A web server that must answer.")] = None,
    as_json: Json = False,
) -> int:
    """Look for what keeps fedge from working here, and name what mends it; exit code 1 where something does."""
    import json

    from fedge.commands.device.doctor.examination import describe, examine, is_healthy, report_json

    findings = []
    for finding in examine(mqtt, url):
        findings.append(finding)
        if not as_json:
            print(describe(finding), flush=True)
    if as_json:
        print(json.dumps(report_json(findings), ensure_ascii=False))
    return 0 if is_healthy(findings) else 1

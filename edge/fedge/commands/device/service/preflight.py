"""What `fedge run` would refuse at its start, looked for before a service is installed."""

from collections.abc import Mapping
from pathlib import Path

from fedge.commands.run import require_background_fits
from fedge.errors import OutputError, ServiceError
from fedge.model import file as model_file
from fedge.model.shipped import find_model
from fedge.options import (
    CsvOptions,
    MqttOptions,
    RunOptions,
    SqliteOptions,
    WebOptions,
    WindowOptions,
    parse_webhook,
)
from fedge.outputs.factory import MQTT_PASSWORD, WEB_TOKEN
from fedge.outputs.network.addresses import read_secret
from fedge.outputs.web.token import choose_token
from fedge.sources.base import Unmonitored
from fedge.sources.factory import open_asked
from fedge.system.extras import needs_extra

WEBHOOK = "FEDGE_WEBHOOK"


def check(options: RunOptions, environment: Path) -> None:
    """Raises the FedgeError that a run with these options would end with; nothing is opened to be written.

    `environment` is the file of the service's secrets, as far as it is there and may be read.
    """
    content = model_file.read(find_model(options.model))
    require_background_fits(options.background, content.manifest.preprocessing)
    open_asked(options.source, options.device, options.camera, None, Unmonitored(), options.limits).close()
    secrets = read_environment(environment)
    if WEBHOOK in secrets:
        parse_webhook(secrets[WEBHOOK])
    if options.show_input:
        raise ServiceError("a service has no terminal to show anything in", "leave --show-input out, or give --web")
    for output in options.outputs:
        if isinstance(output, WindowOptions):
            raise ServiceError("a service has no screen for a window", "leave --window out, or give --web")
        if isinstance(output, (CsvOptions, SqliteOptions)) and output.path.is_dir():
            raise OutputError(f"{output.path} is a folder", "give the path of a file")
        if isinstance(output, MqttOptions):
            _check_mqtt(output, secrets)
        if isinstance(output, WebOptions):
            _check_web(output, secrets, environment)


def read_environment(path: Path) -> dict[str, str]:
    """The variables of an EnvironmentFile (systemd.exec(5)) of plain lines; none where it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith(("#", ";")))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _check_mqtt(options: MqttOptions, secrets: Mapping[str, str]) -> None:
    with needs_extra("mqtt", "--mqtt"):
        import paho.mqtt.client  # noqa: F401
    broker = options.broker
    if broker.tls or options.authority is not None:
        from fedge.outputs.mqtt.tls import tls_context

        tls_context(options.authority)
    password = _secret(MQTT_PASSWORD, options.password_file, "--mqtt-password-file", secrets)
    if password and broker.user is None:
        raise OutputError("--mqtt has a password and no user", f"give mqtt://USER@{broker.host}, or no password")


def _check_web(options: WebOptions, secrets: Mapping[str, str], environment: Path) -> None:
    with needs_extra("web", "--web"):
        import uvicorn  # noqa: F401
    token = _secret(WEB_TOKEN, options.token_file, "--web-token-file", secrets)
    if token is None and not options.address.is_loopback:
        raise OutputError(
            f"a web page on {options.address} needs a token",
            f"write {WEB_TOKEN}=... into {environment}, give --web-token-file, or use 127.0.0.1",
        )
    choose_token(token, options.address)


def _secret(variable: str, path: Path | None, option: str, secrets: Mapping[str, str]) -> str | None:
    return read_secret(variable, path, option) if path is not None else secrets.get(variable) or None

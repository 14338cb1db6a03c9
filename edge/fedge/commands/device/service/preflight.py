"""What `fedge run` would refuse at its start, looked for before a service is installed."""

from pathlib import Path

from fedge.commands.run.sources import LEARN, open_played, require_background_fits
from fedge.errors import OutputError, ServiceError
from fedge.model import file as model_file
from fedge.model.shipped import find_model
from fedge.options import OutputOptions, RunOptions, parse_webhook
from fedge.options.flags import flags
from fedge.outputs.factory import check_output
from fedge.sources.base import Unmonitored

WEBHOOK = "FEDGE_WEBHOOK"


def check(options: RunOptions, environment: Path) -> None:
    """Raises the FedgeError that a run with these options would end with; nothing is opened to be written.

    `environment` is the file of the service's secrets, as far as it is there and may be read.
    """
    models = [part.model for camera in options.cameras for part in camera.parts] or [options.model]
    for model in dict.fromkeys(models):
        content = model_file.read(find_model(model))
        require_background_fits(options.background, content.manifest.preprocessing)
    for asked in options.cameras or (options,):
        open_played(asked, None, Unmonitored()).close()
    secrets = read_environment(environment)
    if WEBHOOK in secrets:
        parse_webhook(secrets[WEBHOOK])
    if options.show_input:
        raise ServiceError("a service has no terminal to show anything in", "leave --show-input out, or give --web")
    _require_no_folders(options)
    for output in options.outputs:
        if output.needs_screen:
            raise ServiceError("a service has no screen for a window", "leave --window out, or give --web")
        _require_no_folders(output)
        check_output(output, secrets, environment)


def read_environment(path: Path) -> dict[str, str]:
    """The variables of an EnvironmentFile (systemd.exec(5)) of plain lines; none where it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith(("#", ";")))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _require_no_folders(options: RunOptions | OutputOptions) -> None:
    for name, flag in flags(options).items():
        path = getattr(options, name)
        if flag.path == "written file" and path not in (None, LEARN) and Path(path).is_dir():
            raise OutputError(f"{path} is a folder", "give the path of a file")

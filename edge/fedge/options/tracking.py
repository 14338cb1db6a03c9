"""Where a training's figures are followed: TensorBoard, or an MLflow server. It is parsed once."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from fedge.errors import ConfigError

TENSORBOARD, MLFLOW = "tensorboard", "mlflow"


@dataclass(frozen=True)
class Track:
    """A tool that follows a training, and of MLflow where it keeps what it is told: a URI without a password."""

    tool: Literal["tensorboard", "mlflow"]
    uri: str = ""


def parse_track(text: str) -> Track:
    """Reads `tensorboard` or `mlflow:URI`; raises ConfigError for anything else, and for a password."""
    tool, _, uri = text.partition(":")
    if tool == TENSORBOARD and not uri:
        return Track("tensorboard")
    if tool != MLFLOW or not uri:
        raise ConfigError(f"--track {text.partition('://')[0]} names no tracker", "give tensorboard or mlflow:URI")
    if urlsplit(uri).password is not None:
        raise ConfigError(
            "--track has a password in its address, which other users see in the list of processes",
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead",
        )
    return Track("mlflow", uri)

"""Where fedge keeps what it must remember on this machine."""

import os
from pathlib import Path

STORE_VARIABLE = "FEDGE_STORE"
SERVICE_STATE = Path("/var/lib/fedge")


def store_folder() -> Path:
    """The folder of the model store: $FEDGE_STORE, or `models` in the state folder.

    The state folder is the service's own under systemd and for root, else $XDG_STATE_HOME/fedge.
    """
    if named := os.environ.get(STORE_VARIABLE):
        return Path(named)
    # systemd lists several folders with colons; fedge's unit asks for one.
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.partition(":")[0]) / "models"
    if os.getuid() == 0:
        return SERVICE_STATE / "models"
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "fedge" / "models"


def cache_folder() -> Path:
    """The folder for what can be fetched or made again: $XDG_CACHE_HOME/fedge."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fedge"

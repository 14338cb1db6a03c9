"""A release of a model: what its maker says of it, signed together with the file's length and hash."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tuf.api.metadata import TargetFile

CHANNELS = ("stable", "beta")
MAX_VERSION, MAX_NOTES = 64, 4000


@dataclass(frozen=True)
class Release:
    """A model in a channel.

    Attributes:
        number: counts up within a channel; the highest that a device may take is the one it takes.
        channel: `stable` or `beta`.
        version: what the maker calls it.
        percent: how many devices in 100 may take it, 0..100.
        model: what the model calls itself.
        model_sha256, bytes: of the whole model file.
        least_fedge: the least version of fedge that reads it.
        notes: what is new, in words.
        parity: the parity gate's figures, as the model file's manifest has them; None where it has none.
    """

    number: int
    channel: str
    version: str
    percent: int
    model: str
    model_sha256: str
    bytes: int
    least_fedge: str
    notes: str
    parity: dict[str, Any] | None

    def __post_init__(self) -> None:
        if self.channel not in CHANNELS:
            raise ValueError(f"channel must be one of {', '.join(CHANNELS)}")
        if not (0 < len(self.version) <= MAX_VERSION and self.version.isprintable()):
            raise ValueError(f"version must be 1 to {MAX_VERSION} printable characters")
        if not 0 <= self.percent <= 100:
            raise ValueError("percent must be from 0 to 100")
        if len(self.notes) > MAX_NOTES:
            raise ValueError(f"notes must have at most {MAX_NOTES} characters")

    @property
    def path(self) -> str:
        """The target's path."""
        return f"{self.channel}/{self.number}.tflite"

    @property
    def stored_path(self) -> str:
        """Where the file is below the folder of targets: its hash before its name, as consistent snapshots ask for."""
        return f"{self.channel}/{self.model_sha256}.{self.number}.tflite"


def to_target(release: Release) -> TargetFile:
    """What is signed of a release."""
    custom = {name: value for name, value in asdict(release).items() if name != "bytes"}
    # What is signed is canonical JSON, which has no fractions.
    custom["parity"] = json.dumps(release.parity)
    return TargetFile(release.bytes, {"sha256": release.model_sha256}, release.path, {"custom": custom})


def from_target(target: TargetFile) -> Release:
    """The release that a signed target is. Raises ValueError, KeyError or TypeError where it is none."""
    custom = target.custom
    if not isinstance(custom, Mapping):
        raise ValueError("it says nothing of the model")
    known = {name: custom[name] for name in Release.__dataclass_fields__ if name != "bytes"}
    # A number that is true is none.
    for name, kind in _KINDS.items():
        if not isinstance(known[name], kind) or isinstance(known[name], bool):
            raise ValueError(f"{name} is {known[name]!r}")
    parity = json.loads(known.pop("parity"))
    if not isinstance(parity, dict | None):
        raise ValueError(f"parity is {parity!r}")
    release = Release(bytes=target.length, parity=parity, **known)
    if target.hashes.get("sha256") != release.model_sha256 or target.path != release.path:
        raise ValueError("it names another file")
    return release


def in_channel(releases: Iterable[Release], channel: str) -> list[Release]:
    """The releases of a channel, the newest first."""
    return sorted((each for each in releases if each.channel == channel), key=lambda each: -each.number)


_TEXTS = ("channel", "version", "model", "model_sha256", "least_fedge", "notes", "parity")
_KINDS = {"number": int, "percent": int} | dict.fromkeys(_TEXTS, str)

"""A repository of releases for tests, and another model of the same classes."""

from pathlib import Path

from model_file_lies import with_member

from fedge.commands.device import release as work
from fedge.model.shipped import shipped_models
from fedge.updates.keys import Keys


class Maker:
    """Who releases: a repository and its keys.

    Args:
        folder: where both are made.
    """

    def __init__(self, folder: Path) -> None:
        self.repo, self.keys = folder / "repo", Keys([folder / "keys"])
        self.root = work.init(self.repo, self.keys, 30)

    def add(self, file: Path, version: str, percent: int = 100, channel: str = "stable") -> str:
        """Releases a file and gives its SHA-256."""
        return work.add(self.repo, self.keys, 30, file, channel, percent, "", version).model_sha256


def other_model(path: Path, number: int) -> Path:
    """The smallest shipped model with another card, so that its bytes are others."""
    path.write_bytes(with_member(shipped_models()["nano"].read_bytes(), "README.md", b"number %d" % number))
    return path

"""A repository of releases for tests, and another model of the same classes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_file_lies import with_member

from fedge.commands.device import release as work
from fedge.commands.device.update import UpdateOptions, UpdateReport, update
from fedge.model.shipped import shipped_models
from fedge.store.store import Store
from fedge.updates import repository
from fedge.updates.keys import Keys
from fedge.updates.repository import Published, load


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

    def change(self, do: Callable[[Published], object], **days: int) -> None:
        """Signs anew what `do` made of the state, with all keys; `days` by role, negative ones are past."""
        published = load(self.repo)
        do(published)
        sign = repository._sign

        def sign_for(metadata: Any, signers: Any, usual: int) -> bytes:
            return sign(metadata, signers, days.get(metadata.signed.type, usual))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(repository, "_sign", sign_for)
            if "root" in days:
                repository.rotate(self.repo, published, self.keys, ["root"], 30)
            else:
                repository.publish(self.repo, published, self.keys, 30, published.releases)


def other_model(path: Path, number: int) -> Path:
    """The smallest shipped model with another card, so that its bytes are others."""
    path.write_bytes(with_member(shipped_models()["nano"].read_bytes(), "README.md", b"number %d" % number))
    return path


class Device:
    """A device that runs the smallest shipped model but one, and looks for updates.

    Args:
        folder: its store.
        url: where the releases are.
        root: the root.json that it trusts.
    """

    def __init__(self, folder: Path, url: str, root: Path) -> None:
        self.store, self.url = Store(folder), url
        self.store.use(self.store.add(shipped_models()["small"]))
        self.root = folder.with_name(f"{folder.name}.root.json")
        # The maker's own changes with the root key.
        shutil.copy(root, self.root)

    def update(self, channel: str = "stable", seconds: float = 20, device: str = "a") -> UpdateReport:
        """Looks once."""
        return update(self.store, UpdateOptions(self.url, channel, device, self.root, seconds))

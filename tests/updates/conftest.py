"""A maker with one release, a server of it, and a device that trusts the maker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from release_server import ReleaseServer, release_server
from releases import Device, Maker

from fedge.model.shipped import shipped_models


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


@pytest.fixture
def server(maker: Maker) -> Iterator[ReleaseServer]:
    maker.add(shipped_models()["nano"], "1")
    with release_server(maker.repo) as server:
        yield server


@pytest.fixture
def device(tmp_path: Path, maker: Maker, server: ReleaseServer) -> Device:
    return Device(tmp_path / "device", server.url, maker.root)

"""A broker of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from broker import Mosquitto


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real mosquitto that ends with the test."""
    broker = Mosquitto(tmp_path)
    yield broker
    broker.stop()

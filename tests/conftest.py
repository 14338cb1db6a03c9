"""Fixtures that every test may use."""

from pathlib import Path

import pytest

from fedge.shipped import shipped_models


@pytest.fixture(scope="session")
def model_path() -> Path:
    return shipped_models()["base"]

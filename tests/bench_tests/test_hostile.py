"""A share of what tests/bench/hostile.py tries, and that it would see what is wrongly accepted or uncaught."""

import random
from pathlib import Path

import hostile
import pytest
from releases import Maker

from fedge.errors import HashMismatch
from fedge.model import file as model_file
from fedge.model.shipped import find_model


def test_damaged_files_and_networks_are_refused_or_the_same() -> None:
    generator, data = random.Random(1), find_model(hostile.MODEL).read_bytes()
    files = hostile.try_files(data, 400, generator)
    assert set(files) <= {"refused", "equal"} and files["refused"] > 300
    networks = hostile.try_networks(data, 12, generator)
    assert set(networks) <= {"refused", "same answers"}


def test_changed_metadata_is_refused_or_harmless(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    maker.add(find_model(hostile.MODEL), "1")
    found = hostile.try_metadata(maker, 120, random.Random(18))
    assert set(found) <= {"refused", "same releases"} and found["refused"] > 40


def test_metadata_that_offers_another_release_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker(tmp_path)
    maker.add(find_model(hostile.MODEL), "1")
    releases = hostile.Client.releases
    looks = iter([True])

    def forgets(client: hostile.Client) -> list[object]:
        return list(releases(client)) if next(looks, False) else []

    monkeypatch.setattr(hostile.Client, "releases", forgets)
    assert hostile.try_metadata(maker, 1, random.Random(1)) == {"passed": 1}


def raises(error: Exception) -> str:
    raise error


@pytest.mark.parametrize(
    ("error", "said"), [(HashMismatch("x", "y"), "refused"), (ValueError("surprise"), "uncaught: ValueError: surprise")]
)
def test_what_nobody_expected_is_uncaught(error: Exception, said: str) -> None:
    assert hostile.judge(lambda: raises(error)) == said


def test_a_file_that_passes_is_seen() -> None:
    nano, small = (find_model(name).read_bytes() for name in ("nano", "small"))
    original = model_file.parse_bytes(nano)
    assert [hostile.read_as(data, original) for data in (nano, small)] == ["equal", "passed"]

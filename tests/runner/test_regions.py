"""Several named regions: each frame is decoded once, and each region has answers, a decision and rows of its own."""

import csv
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from pictures_for_tests import jpeg, scene
from results import result
from running import finish

from fedge.errors import SourceError
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe
from fedge.model.classifier import Answer, Classifier
from fedge.options import Address, Region, WhenOptions, parse_perhaps_named_region, require_names_apart
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.files.csv_file import CsvFile
from fedge.outputs.files.sqlite_file import SqliteFile
from fedge.outputs.network.prometheus import Metrics
from fedge.outputs.web.feed import Feed
from fedge.outputs.web.server import WebPage
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.loop import Watched, classify_regions
from fedge.runner.motion import Gate
from fedge.runner.result import Result
from fedge.sources.backends.in_memory import InMemoryCamera
from fedge.sources.base import Fault

HALVES = (Region(0, 0, 0.5, 1, True, "left"), Region(0.5, 0, 0.5, 1, True, "right"))
GATE = ("--region", "gate=0,0,0.5,1")


def watched_region(classifier: Classifier, region: Region, gate: Gate) -> Watched:
    return Watched(classifier, Decider(classifier.labels, 0.0), gate, region, region.name)


def watch(
    classifier: Classifier, camera: InMemoryCamera, health: Health, when: WhenOptions | None = None
) -> list[Result | Fault | None]:
    watched = [watched_region(classifier, region, Gate(when or WhenOptions(), 0.0)) for region in HALVES]
    return list(classify_regions(camera, watched, health))


def two(left: Picture, right: Picture) -> Picture:
    return np.hstack([left, right])


def test_each_region_gets_the_answer_that_its_part_would_get_alone(classifier: Classifier) -> None:
    health = Health()
    parts = scene(0, 320, 240), scene(1, 320, 240)
    results = watch(classifier, InMemoryCamera([two(*parts), two(*parts[::-1])]), health)
    assert all(isinstance(each, Result) for each in results)
    seen = [(each.number, each.region, each.answer.probabilities) for each in results if isinstance(each, Result)]
    one, other = (classifier.classify(part).probabilities for part in parts)
    assert one != other
    assert seen == [(0, "left", one), (0, "right", other), (1, "left", other), (1, "right", one)]
    assert health.snapshot().frames == 2


def test_a_region_that_moves_does_not_open_the_gate_of_another(classifier: Classifier) -> None:
    health = Health()
    still, moved = scene(0, 320, 240), scene(1, 320, 240)
    script = [two(still, still), two(still, moved), two(still, still)]
    camera = InMemoryCamera(script, interval=0.01)
    # The rest after a motion is a millisecond, shorter than the pause between two frames.
    watched = [watched_region(classifier, region, Gate(WhenOptions(True), -0.999)) for region in HALVES]
    results = [each for each in classify_regions(camera, watched, health) if isinstance(each, Result)]
    assert [each.still for each in results if each.region == "left"] == [False, True, True]
    assert [each.still for each in results if each.region == "right"] == [False, False, False]
    assert results[1].answer.probabilities == results[0].answer.probabilities


class Told:
    """A successor that never comes, and keeps what it was told."""

    must_restart = False

    def __init__(self) -> None:
        self.frames: list[list[Answer]] = []

    def take(self) -> None:
        return None

    def answered(self, parts: Sequence[tuple[Picture, Answer]]) -> None:
        assert all(picture.shape == (240, 320, 3) for picture, _ in parts)
        self.frames.append([answer for _, answer in parts])


def test_a_successor_is_told_of_each_frame_once_with_what_was_classified_of_it(classifier: Classifier) -> None:
    still, moved = scene(0, 320, 240), scene(1, 320, 240)
    camera = InMemoryCamera([two(still, still), two(still, moved), two(still, moved)], interval=0.01)
    # The rest after a motion is a millisecond, shorter than the pause between two frames.
    watched = [watched_region(classifier, region, Gate(WhenOptions(True), -0.999)) for region in HALVES]
    told = Told()
    results = [each for each in classify_regions(camera, watched, Health(), told) if isinstance(each, Result)]
    fresh = [[each.answer for each in results if each.number == number and not each.still] for number in range(3)]
    assert [len(each) for each in fresh] == [2, 1, 0]
    assert told.frames == fresh[:2]


def test_a_region_outside_the_first_picture_is_an_error_and_outside_a_later_one_a_fault(classifier: Classifier) -> None:
    health = Health()
    watched = [watched_region(classifier, Region(0, 0, 100, 100, name="gate"), Gate(WhenOptions(), 0.0))]
    large, small = scene(0, 320, 240), scene(0, 64, 48)
    results = list(classify_regions(InMemoryCamera([large, small, large]), watched, health))
    assert [type(each) for each in results] == [Result, Fault, Result]
    assert health.snapshot().faults == {"region": 1}
    with pytest.raises(SourceError, match="gate=0,0,100,100 is not inside the 64x48 picture"):
        list(classify_regions(InMemoryCamera([small]), watched, health))


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (("front gate=0,0,1,1",), "'front gate' is no name"),
        (("=0,0,1,1",), "'' is no name"),
        (("a/b=0,0,1,1",), "'a/b' is no name"),
        (("a=0,0,1",), "is no region"),
        (("a=0,0,1,1", "0,0,1,1"), "several regions need a name each"),
        (("0,0,1,1", "0,0,1,1"), "several regions need a name each"),
        (("a=0,0,1,1", "a=0,0,0.5,1"), "two regions are called a"),
    ],
)
def test_what_is_no_region_or_is_called_like_another_is_refused(texts: tuple[str, ...], problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        require_names_apart([parse_perhaps_named_region(text) for text in texts])


@pytest.mark.parametrize("option", ["--record", "--unsure", "--save", "--background"])
def test_what_does_not_go_with_named_regions_is_refused(tmp_path: Path, option: str) -> None:
    code, out, err = finish("run", "--source", tmp_path, *GATE, option, tmp_path / "x.avi")
    assert (code, out) == (2, "")
    assert f"{option} does not go with named regions" in " ".join(err.split())


def test_a_run_writes_a_line_and_a_row_for_each_region(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(two(scene(0), scene(1))))
    config, rows, database = tmp_path / "fedge.toml", tmp_path / "log.csv", tmp_path / "log.db"
    config.write_text('region = ["gate=0,0,0.5,1", "bin=0.5,0,0.5,1"]\n')
    asked = ("--config", config, "--source", tmp_path / "a.jpg", "--csv", rows, "--sqlite", database, "--frames", 1)
    code, out, err = finish("run", *asked, "--json")
    assert (code, err) == (0, "")
    assert [(line["frame"], line["region"]) for line in map(json.loads, out.splitlines())] == [(0, "gate"), (0, "bin")]
    with rows.open() as file:
        assert [row["region"] for row in csv.DictReader(file)] == ["gate", "bin"]
    with sqlite3.connect(database) as opened:
        assert opened.execute("SELECT region FROM answers").fetchall() == [("gate",), ("bin",)]
    opened.close()
    code, out, err = finish("run", "--source", tmp_path / "a.jpg", *GATE, "--region", "bin=0.5,0,0.5,1")
    assert [line.split(":")[0] for line in out.splitlines()] == ["a.jpg, gate", "a.jpg, bin"]


def of_region(number: int, region: str, label: str = "Bag") -> Result:
    return replace(result(number, label, changed=True), region=region, box=(32, 0, 64, 48))


def test_files_of_a_run_without_regions_go_on_with_regions(tmp_path: Path) -> None:
    for output in (CsvFile(tmp_path / "log.csv", 1 << 20, 3), SqliteFile(tmp_path / "log.db", 100)):
        output.show(result(0))
        output.close()
    for output in (CsvFile(tmp_path / "log.csv", 1 << 20, 3, True), SqliteFile(tmp_path / "log.db", 100, True)):
        output.show(of_region(1, "gate"))
        output.close()
    with sqlite3.connect(tmp_path / "log.db") as opened:
        assert opened.execute("SELECT frame, region FROM answers").fetchall() == [(0, None), (1, "gate")]
    opened.close()
    assert "region" in (tmp_path / "log.csv").read_text()
    assert "region" not in (tmp_path / "log.csv.1").read_text()


def test_the_state_lists_the_regions_and_the_large_answer_stays_with_the_first() -> None:
    feed = Feed(["Bag", "Dress"], Recipe(28, 28))
    feed.show(result(0))
    assert "regions" not in json.loads(feed.everything())
    feed = Feed(["Bag", "Dress"], Recipe(28, 28), regions=("gate", "bin"))
    for number in range(2):
        feed.show(of_region(number, "gate"))
        feed.show(of_region(number, "bin", "Dress"))
    state = json.loads(feed.everything())
    assert [(each["name"], each["label"], each["frame"]) for each in state["regions"]] == [
        ("gate", "Bag", 1),
        ("bin", "Dress", 1),
    ]
    assert state["regions"][1]["decision"]["label"] == "Dress"
    assert state["state"]["region"] == "gate"
    left, _, width, _ = state["state"]["seen"]
    assert left >= 0.5 and left + width <= 1
    assert {each["region"] for each in state["changes"]} == {"gate", "bin"}


def test_metrics_have_a_label_for_the_region() -> None:
    metrics = Metrics(Address("127.0.0.1", 0), Health())
    try:
        metrics.show(of_region(0, "gate"))
        assert 'fedge_answers_total{region="gate",label="Bag"} 1' in metrics.text()
        assert 'fedge_changes_total{region="gate",label="Bag"} 1' in metrics.text()
    finally:
        metrics.close()


class SlowPage(WebPage):
    """Keeps what it is shown, once it may go on."""

    def __init__(self) -> None:
        self.may_go_on, self.seen = Event(), list[Result]()
        super().__init__(Address("127.0.0.1", 0), None, ["Bag", "Dress"], Recipe(28, 28), regions=("gate", "bin"))

    def show(self, result: Result) -> None:
        self.may_go_on.wait()
        self.seen.append(result)


def test_a_page_that_is_slow_gets_the_newest_of_every_region_and_counts_no_loss() -> None:
    page, health = SlowPage(), Health()
    hub = Hub([page], health)
    for number in range(5):
        hub.show(of_region(number, "gate"))
        hub.show(of_region(number, "bin"))
    page.may_go_on.set()
    hub.drain()
    assert [(each.number, each.region) for each in page.seen[-2:]] == [(4, "gate"), (4, "bin")]
    assert health.snapshot().outputs["web"].dropped == 0
    hub.close()

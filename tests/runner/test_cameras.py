"""Several cameras in one run: each with its parts, models and thread, told apart everywhere by their names."""

import csv
import json
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from broker import Mosquitto, Subscriber, needs_mosquitto
from mjpeg_server import mjpeg_server
from pictures_for_tests import jpeg, scene, write_video
from results import result
from running import finish, next_line, running
from waiting import eventually

from fedge.errors import SourceError
from fedge.images.picture import read_picture
from fedge.model.classifier import load
from fedge.model.shipped import shipped_models
from fedge.runner.cameras import Item, JoinedHealth, merged
from fedge.runner.result import Result
from fedge.sources.base import Fault

FILE = """\
enter = 0.6

[[camera]]
name = "yard"
source = "{yard}"

[[camera.region]]
name = "gate"
area = "0,0,0.5,1"
model = "small"

[[camera.region]]
name = "bin"
area = "0.5,0,0.5,1"
enter = 0.9

[[camera]]
name = "door"
source = "{door}"
model = "nano"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A camera with two parts, one with a model of its own, and one that shows a video with another model."""
    (tmp_path / "yard.jpg").write_bytes(jpeg(np.hstack([scene(0), scene(1)])))
    video = write_video(tmp_path / "door.avi", 3)
    path = tmp_path / "fedge.toml"
    path.write_text(FILE.format(yard=tmp_path / "yard.jpg", door=video))
    return path


def lines(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_each_part_has_its_model_and_a_name_of_its_own(config: Path, tmp_path: Path) -> None:
    rows = tmp_path / "log.csv"
    code, out, err = finish("run", "--config", config, "--json", "--csv", rows)
    assert (code, err) == (0, "")
    models = {name: load(shipped_models()[name]).model.sha256 for name in ("camera", "small", "nano")}
    by_part = {str(line["region"]): line["model_sha256"] for line in lines(out)}
    assert by_part == {"yard/gate": models["small"], "yard/bin": models["camera"], "door": models["nano"]}
    assert Counter(line["region"] for line in lines(out)) == {"yard/gate": 1, "yard/bin": 1, "door": 3}
    gate = next(line for line in lines(out) if line["region"] == "yard/gate")
    alone = load(shipped_models()["small"]).classify(read_picture(tmp_path / "yard.jpg")[:, :640])
    assert gate["label"] == alone.label and gate["score"] == pytest.approx(alone.score, abs=1e-6)
    with rows.open() as file:
        assert Counter(row["region"] for row in csv.DictReader(file)) == {"yard/gate": 1, "yard/bin": 1, "door": 3}


def test_frames_are_counted_for_each_camera(config: Path) -> None:
    code, out, err = finish("run", "--config", config, "--json", "--frames", 1)
    assert (code, err) == (0, "")
    assert Counter(line["region"] for line in lines(out)) == {"yard/gate": 1, "yard/bin": 1, "door": 1}


def test_a_camera_that_fails_leaves_the_others_running(config: Path) -> None:
    text = config.read_text().replace('area = "0,0,0.5,1"', 'area = "0,0,5000,5000"')
    config.write_text(text)
    code, out, err = finish("run", "--config", config, "--json")
    assert code == 1 and Counter(line["region"] for line in lines(out)) == {"door": 3}
    assert "yard: the region 0,0,5000,5000 is not inside the 1280x480 picture" in err


def test_a_camera_that_is_lost_comes_back_while_the_other_goes_on(tmp_path: Path) -> None:
    config = tmp_path / "fedge.toml"
    with mjpeg_server() as yard, mjpeg_server() as door:
        tables = [
            f'[[camera]]\nname = "{name}"\nsource = "{server.url}"\n'
            for name, server in zip("ab", (yard, door), strict=True)
        ]
        config.write_text('model = "nano"\n' + "".join(tables))
        with running("run", "--config", config, "--json") as process:

            def wait_for(names: str) -> None:
                """Reads on until there was a line of each."""
                left = set(names)
                while left:
                    left.discard(next_line(process)["region"])

            wait_for("ab")
            yard.die()
            # Twenty of the other one after the last of this one: it is gone for good, for now.
            others = 0
            while others < 20:
                others = others + 1 if next_line(process)["region"] == "b" else 0
            yard.start()
            wait_for("a")
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate()
    assert process.returncode == 0
    assert "fedge: a: " in err and "fedge: b: " not in err, err


@needs_mosquitto
def test_each_part_has_a_state_of_its_own_at_the_broker(config: Path, tmp_path: Path) -> None:
    server = Mosquitto(tmp_path)
    subscriber = Subscriber(server.port)
    code, _, err = finish("run", "--config", config, "--mqtt", f"mqtt://127.0.0.1:{server.port}/test/house")
    assert code == 0, err
    for part in ("yard/gate", "yard/bin", "door"):
        (state,) = eventually(lambda part=part: subscriber.on(f"test/house/{part}/state"))
        assert json.loads(state)["region"] == part
    announced = [json.loads(payload) for topic, payload, _ in subscriber.all() if topic.startswith("homeassistant/")]
    topics = {each["state_topic"] for each in announced}
    assert {"test/house/yard/gate/state", "test/house/yard/bin/state", "test/house/door/state"} <= topics
    names = [topic for topic, _, _ in subscriber.all() if topic.startswith("homeassistant/")]
    assert all(topic.count("/") == 4 for topic in names), names
    subscriber.close()
    server.stop()


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ('name = "door"', 'name = "yard"', 17, "two are called yard"),
        ('name = "door"', 'name = "a b"', 17, "'a b' is no name"),
        ('name = "bin"', 'name = "gate"', 12, "two are called gate"),
        ('area = "0.5,0,0.5,1"', 'area = "0.5,0,1"', 14, "'0.5,0,1' is no region"),
        ('area = "0.5,0,0.5,1"\n', "", 12, "a region has no area"),
        ('model = "nano"', 'modle = "nano"', 20, "door can have no modle; did you mean model?"),
        ('model = "nano"', "enter = 3", 20, "enter: Input should be less than or equal to 1"),
        ('model = "nano"', 'device = "0"', 17, "camera door has no source, or two"),
        ('model = "nano"', 'region = "gate=0,0,1,1"', 20, "region is one part, without a name"),
    ],
)
def test_a_mistake_is_told_with_its_line(config: Path, old: str, new: str, line: int, problem: str) -> None:
    config.write_text(config.read_text().replace(old, new))
    code, out, err = finish("run", "--config", config)
    assert code != 0 and out == ""
    said = " ".join(err.split())
    assert problem in said and f"fedge.toml:{line}: " in said, err


def test_a_part_is_given_up_at_no_more_than_it_is_decided_on(config: Path) -> None:
    config.write_text(config.read_text().replace("enter = 0.9", "leave = 0.95"))
    code, out, err = finish("run", "--config", config)
    assert (code, out) == (1, "") and "yard/bin: leave is above enter" in err


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (("--region", "0,0,1,1"), "[[camera]] says where frames come from"),
        (("--record", "kept"), "--record does not go with [[camera]]"),
    ],
)
def test_what_does_not_go_with_several_cameras_is_refused(config: Path, option: tuple[str, str], problem: str) -> None:
    code, out, err = finish("run", "--config", config, *option)
    assert code != 0 and out == "" and problem in " ".join(err.split())


def test_a_source_on_the_command_line_takes_the_place_of_the_cameras(config: Path, tmp_path: Path) -> None:
    code, out, err = finish("run", "--config", config, "--source", tmp_path / "yard.jpg", "--json")
    assert (code, err) == (0, "")
    assert ["region" in line for line in lines(out)] == [False]


def test_what_was_given_is_saved_with_its_tables(config: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved.toml"
    first = finish("run", "--config", config, "--json", "--save-config", saved)
    again = finish("run", "--config", saved, "--json")
    assert first[0] == again[0] == 0, again[2]
    kept = [{(line["region"], line["frame"], line["label"]) for line in lines(out)} for _, out, _ in (first, again)]
    assert kept[0] == kept[1]


def test_the_service_takes_the_cameras(config: Path, tmp_path: Path) -> None:
    code, out, err = finish("service", "install", "--dry-run", "--", "--config", config)
    assert code == 0, err
    assert f'source = "{tmp_path}/door.avi"' in out and out.count("[[camera]]") == 2
    config.write_text(config.read_text().replace('model = "nano"', 'model = "nona"'))
    code, out, err = finish("service", "install", "--dry-run", "--", "--config", config)
    assert code == 1 and "nona" in err and "[[camera]]" not in out


def test_the_schema_knows_the_tables() -> None:
    code, out, _ = finish("schema", "run")
    _, cameras = json.loads(out)["properties"]["camera"]["anyOf"]
    assert code == 0 and cameras["items"]["required"] == ["name"]
    _, regions = cameras["items"]["properties"]["region"]["anyOf"]
    assert regions["items"]["required"] == ["name", "area"] and "model" in regions["items"]["properties"]


def test_results_come_as_they_do_and_an_error_waits_for_the_others() -> None:
    waiting = Event()

    def slow() -> Iterator[Item]:
        waiting.wait()
        yield replace(result(1), region="slow")

    def broken() -> Iterator[Item]:
        yield Fault("lost", "it is gone")
        raise SourceError("it breaks", "mend it")

    items = merged([slow(), broken()])
    assert next(each for each in items if each is not None) == Fault("lost", "it is gone")
    assert next(items) is None
    waiting.set()
    with pytest.raises(SourceError, match="it breaks"):
        for item in items:
            assert item is None or isinstance(item, Result)


def test_the_state_is_that_of_the_worst_camera() -> None:
    health = JoinedHealth(["yard", "door"])
    yard, door = health.cameras["yard"], health.cameras["door"]
    yard.count_frame(0.0)
    assert health.snapshot().state == "starting"
    door.count_frame(0.0, unknown=True)
    assert (health.snapshot().state, health.snapshot().frames, health.snapshot().unknown_rate) == ("running", 2, 0.5)
    yard.count_fault("stall", "no frame for 5 s")
    yard.set_state("waiting")
    seen = health.snapshot()
    assert not seen.healthy and seen.cameras == {"yard": "waiting", "door": "running"}
    assert (seen.faults, seen.message) == ({"yard/stall": 1}, "yard: no frame for 5 s")
    yard.set_state("stopped")
    assert health.snapshot().state == "running"
    health.set_state("stopped")
    assert health.snapshot().state == "stopped"

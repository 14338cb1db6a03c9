"""The ring of unsure frames: what is kept, for how long, and what a full disk costs."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from full_disk import no_room_for_more_than
from pictures_for_tests import room
from results import result
from waiting import eventually

from fedge.errors import OutputError
from fedge.images.picture import Picture
from fedge.outputs.base import NeverTaken
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.files.unsure_frames import MARGIN, UnsureFrames, is_unsure
from fedge.runner.health import Health, OutputStatus
from fedge.runner.result import Result

LABELS = ("Bag", "Dress")
LARGE = 10**9


def unsure(number: int, moment: float = 0.0, picture: Picture | None = None) -> Result:
    """An unknown in a scene of its own."""
    made = result(number, None, picture=room(number, 160, 120) if picture is None else picture)
    return replace(made, frame=replace(made.frame, captured=moment))


def ring(folder: Path, limit_bytes: int = LARGE, seconds: float = 0.0) -> UnsureFrames:
    return UnsureFrames(folder, limit_bytes, seconds, LABELS)


def numbers(folder: Path) -> list[int]:
    """The frames whose JSON is there, oldest first."""
    return [json.loads(path.read_text())["frame"] for path in sorted(folder.glob("*.json"))]


def pictures(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.jpg"))


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize(("best", "next_best", "unsure"), [(0.5, 0.49, True), (0.59, 0.4, True), (0.61, 0.39, False)])
def test_close_scores_are_unsure_and_clear_ones_are_not(best: float, next_best: float, unsure: bool) -> None:
    made = result(0, "Bag")
    made = replace(made, answer=replace(made.answer, score=best, top=(("Bag", best), ("Dress", next_best))))
    assert is_unsure(made) == unsure == (best - next_best < MARGIN)


def test_an_unknown_is_unsure_and_so_is_nothing_where_there_is_one_class() -> None:
    assert is_unsure(result(0, None))
    single = result(0, "Bag")
    assert not is_unsure(replace(single, answer=replace(single.answer, top=(("Bag", 1.0),))))


def test_a_frame_is_kept_with_its_line_and_all_scores(tmp_path: Path) -> None:
    ring(tmp_path / "deep" / "unsure").show(unsure(3))
    (line,) = (tmp_path / "deep" / "unsure").glob("*.json")
    content = json.loads(line.read_text())
    expected = unsure(3).to_json()
    assert {name: content[name] for name in expected} == json.loads(json.dumps(expected))
    assert content["scores"] == {"Bag": 0.75, "Dress": 0.25}
    assert line.name == "000001-20260102T030408000Z.json"
    jpeg = cv2.imencode(".jpg", room(3, 160, 120), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    assert line.with_suffix(".jpg").read_bytes() == jpeg


def gives(output: UnsureFrames, frames: list[Result]) -> list[bool]:
    """Whether the ring wants each of the frames; it is shown those that it wants."""
    wanted = []
    for frame in frames:
        wanted.append(output.wants(frame))
        if wanted[-1]:
            output.show(frame)
    return wanted


def test_only_so_many_a_second_are_wanted(tmp_path: Path) -> None:
    moments = [100.0, 101.0, 104.9, 105.0, 109.9, 110.1]
    frames = [unsure(number, moment) for number, moment in enumerate(moments)]
    output = ring(tmp_path, seconds=5.0)
    assert gives(output, frames) == [True, False, False, True, False, True]
    # A video that begins anew.
    assert output.wants(unsure(6, 0.0))
    assert not output.wants(result(0, "Bag"))


def test_a_scene_that_stands_does_not_hide_a_new_one(tmp_path: Path) -> None:
    output = ring(tmp_path, seconds=5.0)
    gives(output, [unsure(0, 100 + tenth / 10, room(0, 160, 120)) for tenth in range(80)])
    # It was kept more than five seconds ago; that it was looked at since then starts no other pause.
    assert gives(output, [unsure(1, 108.2), unsure(2, 108.3)]) == [True, False]
    assert numbers(tmp_path) == [0, 1]


def test_a_scene_that_stands_is_not_looked_at_in_each_frame(tmp_path: Path) -> None:
    output = ring(tmp_path, seconds=5.0)
    output.show(unsure(0, 100.0))
    looked_at = [unsure(0, 106 + thirtieth / 30, room(0, 160, 120)) for thirtieth in range(300)]
    # Ten seconds, a look every quarter of a second at most.
    assert 30 <= sum(gives(output, looked_at)) <= 40
    every = ring(tmp_path / "every", seconds=0.0)
    assert all(gives(every, looked_at))


def test_a_frame_that_waited_while_another_was_kept_is_too_soon_after_it(tmp_path: Path) -> None:
    output = ring(tmp_path, seconds=5.0)
    waiting = [unsure(0, 100.0), unsure(1, 100.5)]
    assert all(map(output.wants, waiting))
    for frame in waiting:
        output.show(frame)
    assert numbers(tmp_path) == [0]


def test_a_frame_that_could_not_be_kept_is_taken_when_it_comes_again(tmp_path: Path) -> None:
    output = ring(tmp_path, seconds=5.0)
    with no_room_for_more_than(1000), pytest.raises(OSError):
        output.show(unsure(0, 100.0))
    assert not output.wants(unsure(1, 101.0))
    output.show(unsure(0, 100.0))
    assert numbers(tmp_path) == [0]


def test_a_sure_frame_does_not_use_up_the_time(tmp_path: Path) -> None:
    output = ring(tmp_path, seconds=5.0)
    sure = result(0, "Bag")
    assert not output.wants(replace(sure, frame=replace(sure.frame, captured=100.0)))
    assert output.wants(unsure(0, 100.1))


def test_one_scene_is_kept_once(tmp_path: Path) -> None:
    output = ring(tmp_path)
    for number in (0, 1, 2):
        output.show(unsure(number, picture=room(7, 160, 120)))
    output.show(unsure(3))
    assert numbers(tmp_path) == [0, 3]


def test_one_scene_is_kept_once_over_restarts(tmp_path: Path) -> None:
    for number in range(4):
        ring(tmp_path).show(unsure(number, picture=room(7, 160, 120)))
    assert numbers(tmp_path) == [0]


def test_a_picture_that_is_damaged_or_gone_is_not_compared_with_after_a_restart(tmp_path: Path) -> None:
    ring(tmp_path).show(unsure(0, picture=room(7, 160, 120)))
    (picture,) = tmp_path.glob("*.jpg")
    picture.write_bytes(b"no picture")
    ring(tmp_path).show(unsure(1, picture=room(7, 160, 120)))
    for picture in tmp_path.glob("*.jpg"):
        picture.unlink()
    ring(tmp_path).show(unsure(2, picture=room(7, 160, 120)))
    assert numbers(tmp_path) == [0, 1, 2]


def test_the_ring_is_bounded_and_the_oldest_goes_first_over_restarts(tmp_path: Path) -> None:
    ring(tmp_path).show(unsure(0))
    limit = 4 * size(tmp_path)
    for number in range(1, 40):
        # Each by a process of its own, as it were.
        ring(tmp_path, limit).show(unsure(number))
        assert size(tmp_path) <= limit
    there = numbers(tmp_path)
    assert len(there) >= 2
    assert there == list(range(40 - len(there), 40))
    assert pictures(tmp_path) == sorted(path.stem for path in tmp_path.glob("*.json"))


def test_the_order_is_that_of_keeping_whatever_the_clock_says(tmp_path: Path) -> None:
    output = ring(tmp_path)
    # The frames' times go back a second each.
    for number in range(5, 0, -1):
        output.show(unsure(number))
    assert numbers(tmp_path) == [5, 4, 3, 2, 1]
    again = ring(tmp_path, size(tmp_path) - 1)
    again.show(unsure(0))
    assert 5 not in numbers(tmp_path)
    assert numbers(tmp_path)[-1] == 0


def test_a_picture_may_be_moved_away_to_be_learned_from(tmp_path: Path) -> None:
    folder, target = tmp_path / "unsure", tmp_path / "photos" / "cup"
    target.mkdir(parents=True)
    output = ring(folder)
    output.show(unsure(0))
    limit = 3 * size(folder)
    output = ring(folder, limit)
    (picture,) = folder.glob("*.jpg")
    picture.rename(target / picture.name)
    for number in range(1, 20):
        output.show(unsure(number))
    assert (target / picture.name).exists()
    assert 0 not in numbers(folder)
    assert size(folder) <= limit
    assert pictures(folder) == sorted(path.stem for path in folder.glob("*.json"))


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    mine = [tmp_path / name for name in ("notes.json", "000001.json", "cup.jpg")]
    for path in mine:
        path.write_text("mine")
    output = ring(tmp_path, 30_000)
    for number in range(10):
        output.show(unsure(number))
    assert all(path.read_text() == "mine" for path in mine)


def test_a_frame_larger_than_the_ring_is_not_kept(tmp_path: Path) -> None:
    output = ring(tmp_path, 1000)
    with pytest.raises(NeverTaken, match="--unsure-mb"):
        output.show(unsure(0))
    assert list(tmp_path.iterdir()) == []


def test_a_frame_larger_than_the_ring_does_not_block_the_smaller_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ring(tmp_path / "measured").show(unsure(0))
    health = Health()
    output = ring(tmp_path / "unsure", 2 * size(tmp_path / "measured"), seconds=5.0)
    hub = Hub([output], health)
    large = room(1, 1600, 1200)
    for number, picture in enumerate((large, large, room(2, 160, 120))):
        hub.show(unsure(number, 100.0 + number, picture))
        hub.drain()
    hub.close()
    # The second large one is the first one's scene; neither uses up the time until the small one.
    assert numbers(tmp_path / "unsure") == [2]
    assert health.snapshot().outputs == {"unsure": OutputStatus("ok", dropped=1)}
    assert capsys.readouterr().err.count("the output unsure leaves results out (a frame has more than") == 1


def test_a_full_disk_degrades_it_alone_and_it_recovers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    health = Health()
    output = ring(tmp_path)
    output.longest_pause_s = 0.02
    hub = Hub([output], health)
    # The line fits, the picture does not: neither may stay.
    with no_room_for_more_than(2000):
        for number in range(10):
            hub.show(unsure(number))
        eventually(lambda: health.snapshot().outputs["unsure"].failing)
        assert pictures(tmp_path) == []
        # While it tries again there is a line now and then, never for long.
        eventually(lambda: list(tmp_path.iterdir()) == [])
    eventually(lambda: health.snapshot().outputs["unsure"].state == "ok")
    hub.close()
    assert numbers(tmp_path)[-1] == 9
    assert pictures(tmp_path) == sorted(path.stem for path in tmp_path.glob("*.json"))
    # Ten came, so many are there: the rest was counted.
    dropped = 10 - len(numbers(tmp_path))
    assert health.snapshot().outputs["unsure"] == OutputStatus("ok", dropped=dropped)
    told = capsys.readouterr().err
    assert told.count("the output unsure fails") == 1
    assert "the output unsure works again" in told


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be used"):
        ring(tmp_path / "file" / "unsure")

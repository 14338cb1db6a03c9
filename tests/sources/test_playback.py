"""`--loop` and `--realtime`: files played as a camera would give them."""

from collections.abc import Iterator
from itertools import islice
from time import monotonic

import numpy as np
import pytest

from fedge.cli.main import run
from fedge.errors import SourceError
from fedge.sources.base import Frame
from fedge.sources.playback import Playback

PICTURE = np.zeros((8, 8, 3), np.uint8)


class Film:
    """Frames at these positions, in seconds; None: pictures that are no video."""

    live, moving = False, True

    def __init__(self, positions: list[float | None], live: bool = False) -> None:
        self.positions, self.live, self.closed = positions, live, False

    def frames(self) -> Iterator[Frame]:
        for position in self.positions:
            yield Frame(PICTURE, "film", position=position)

    def close(self) -> None:
        self.closed = True


def frames(playback: Playback, count: int) -> list[Frame]:
    return list(islice((item for item in playback.frames() if isinstance(item, Frame)), count))


def test_a_loop_goes_on_from_where_the_round_before_ended() -> None:
    opened: list[Film] = []

    def again() -> Film:
        opened.append(Film([0.0, 0.04]))
        return opened[-1]

    positions = [frame.position for frame in frames(Playback(again, loop=True, realtime=False), 5)]
    assert positions == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert [film.closed for film in opened] == [True, True, False]


def test_without_a_loop_it_ends() -> None:
    assert len(frames(Playback(lambda: Film([0.0, 0.04]), loop=False, realtime=True), 9)) == 2


def test_in_real_time_no_frame_comes_before_its_time_and_each_is_as_old_as_when_it_is_given() -> None:
    began = monotonic()
    for frame in frames(Playback(lambda: Film([0.0, 0.2, 0.4]), loop=False, realtime=True), 3):
        assert frame.captured - began >= (frame.position or 0)


def test_pictures_are_shown_for_a_second_each() -> None:
    began = monotonic()
    times = [frame.captured for frame in frames(Playback(lambda: Film([None, None]), loop=False, realtime=True), 2)]
    assert times[1] - began >= 1


def test_a_camera_cannot_be_played() -> None:
    film = Film([], live=True)
    with pytest.raises(SourceError, match="cannot be played"):
        Playback(lambda: film, loop=True, realtime=False)
    assert film.closed


def test_closed_it_ends_in_the_middle_of_a_pause() -> None:
    playback = Playback(lambda: Film([0.0, 3600.0]), loop=False, realtime=True)
    items = playback.frames()
    assert isinstance(next(items), Frame)
    assert next(items) is None
    playback.close()
    assert next(items, "ended") == "ended"


def test_only_files_are_played(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "--camera", "--loop"]) == 2
    assert "--source" in capsys.readouterr().err

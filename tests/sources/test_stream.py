"""An MJPEG stream over HTTP whose server stalls, lies and dies: the source notices and recovers."""

from collections.abc import Iterator

import pytest
from collecting import collect
from mjpeg_server import MjpegServer, mjpeg_server
from pictures_for_tests import jpeg, scene

from fedge.errors import SourceError
from fedge.images.preprocess import Recipe
from fedge.options import CameraOptions, FaultLimits, parse_region
from fedge.runner.health import Health
from fedge.sources.base import Source
from fedge.sources.factory import open_source

LIMITS = FaultLimits(stall_after=0.5, frozen_after=0.5)


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    with mjpeg_server() as running:
        yield running


def stream(
    server: MjpegServer, recipe: Recipe | None = None, limits: FaultLimits = LIMITS, region: str | None = None
) -> tuple[Source, Health]:
    health = Health()
    options = CameraOptions(region=parse_region(region) if region else None)
    return open_source(server.url, options, health, limits, recipe), health


def test_the_frames_come_in_colour_or_gray_and_reduced(server: MjpegServer) -> None:
    in_colour = collect(stream(server)[0], lambda seen: len(seen.frames) >= 5)
    in_gray = collect(stream(server, Recipe(28, 28))[0], lambda seen: len(seen.frames) >= 5)
    assert {frame.picture.shape for frame in in_colour.frames} == {(480, 640, 3)}
    assert {frame.picture.shape for frame in in_gray.frames} == {(240, 320)}


def test_a_stream_that_stalls_is_opened_again(server: MjpegServer) -> None:
    source, health = stream(server)
    collect_steps = iter([server.stalled.set, server.stalled.clear])

    def until(seen: object) -> bool:
        kinds = seen.kinds  # type: ignore[attr-defined]
        if len(seen.frames) == 5 and not kinds and not server.stalled.is_set():  # type: ignore[attr-defined]
            next(collect_steps)()
        if kinds.count("stalled") + kinds.count("absent") >= 2 and server.stalled.is_set():
            next(collect_steps)()
        return bool(seen.frames_after("stalled") >= 3)  # type: ignore[attr-defined]

    seen = collect(source, until)
    assert seen.kinds[0] == "stalled"
    assert health.snapshot().recoveries >= 1


def test_a_server_that_dies_is_waited_for(server: MjpegServer) -> None:
    source, health = stream(server)
    dead = False

    def until(seen: object) -> bool:
        nonlocal dead
        if len(seen.frames) >= 5 and not dead:  # type: ignore[attr-defined]
            server.die()
            dead = True
        if seen.kinds.count("absent") == 2 and dead:  # type: ignore[attr-defined]
            server.start()
        return bool(seen.frames_after("absent") >= 3)  # type: ignore[attr-defined]

    seen = collect(source, until)
    assert seen.kinds[0] == "lost"
    assert health.snapshot().recoveries >= 1


def test_no_server_at_the_start_is_an_error() -> None:
    with mjpeg_server() as server:
        server.die()
        with pytest.raises(SourceError, match="cannot be opened"):
            collect(stream(server)[0], lambda seen: seen.frames)


def test_the_same_jpeg_again_and_again_is_frozen(server: MjpegServer) -> None:
    source, _ = stream(server)
    server.frozen.set()

    def until(seen: object) -> bool:
        if seen.kinds:  # type: ignore[attr-defined]
            server.frozen.clear()
        return bool(seen.frames_after("frozen") >= 3)  # type: ignore[attr-defined]

    assert collect(source, until).kinds[0] == "frozen"


def test_a_resolution_that_changes_in_mid_stream_goes_on(server: MjpegServer) -> None:
    source, _ = stream(server)

    def until(seen: object) -> bool:
        if len(seen.frames) == 5:  # type: ignore[attr-defined]
            server.jpegs = [jpeg(scene(i, 320, 240)) for i in range(4)]
        return bool(seen.frames and seen.frames[-1].picture.shape == (240, 320, 3))  # type: ignore[attr-defined]

    seen = collect(source, until)
    assert seen.frames[0].picture.shape == (480, 640, 3)
    assert seen.frames[-1].picture.shape == (240, 320, 3)


def test_a_region_outside_the_picture_is_an_error_at_once_with_its_own_mend(server: MjpegServer) -> None:
    source, _ = stream(server, region="0,0,5000,5000")
    items = []
    with pytest.raises(SourceError, match="not inside the 640x480 picture; give one that is with --region"):
        items.extend(source.frames())
    assert set(items) <= {None}


def test_a_picture_that_becomes_too_small_for_the_region_is_a_fault(server: MjpegServer) -> None:
    source, _ = stream(server, region="320,0,320,480")
    large = server.jpegs

    def until(seen: object) -> bool:
        if len(seen.frames) == 5 and not seen.kinds:  # type: ignore[attr-defined]
            server.jpegs = [jpeg(scene(i, 320, 240)) for i in range(4)]
        if seen.kinds:  # type: ignore[attr-defined]
            server.jpegs = large
        return bool(seen.frames_after("region") >= 3 or "lost" in seen.kinds)  # type: ignore[attr-defined]

    seen = collect(source, until)
    assert seen.frames_after("region") >= 3
    assert "lost" not in seen.kinds


def _lie(width: int, height: int) -> bytes:
    data = jpeg(scene(0))
    marker = data.index(b"\xff\xc0")
    return data[: marker + 5] + height.to_bytes(2) + width.to_bytes(2) + data[marker + 9 :]


@pytest.mark.parametrize(("bad", "kind"), [(jpeg(scene(0))[:5000], "corrupt"), (_lie(20000, 20000), "bomb")])
def test_a_bad_jpeg_in_the_stream_is_told_and_the_next_one_comes(server: MjpegServer, bad: bytes, kind: str) -> None:
    good = [jpeg(scene(i)) for i in range(4)]
    source, _ = stream(server)

    def until(seen: object) -> bool:
        if len(seen.frames) == 5:  # type: ignore[attr-defined]
            server.jpegs = [*good, bad]
        return bool(seen.frames_after(kind) >= 3)  # type: ignore[attr-defined]

    seen = collect(source, until)
    assert kind in seen.kinds
    assert {frame.picture.shape for frame in seen.frames} == {(480, 640, 3)}


def test_a_stream_that_starts_with_a_bomb_does_not_fill_the_memory(server: MjpegServer) -> None:
    server.jpegs = [_lie(20000, 20000), *(jpeg(scene(i)) for i in range(4))]
    source, _ = stream(server, limits=FaultLimits(stall_after=2, frozen_after=0, wait=True))
    seen = collect(source, lambda seen: "bomb" in seen.kinds and seen.frames)
    assert seen.frames

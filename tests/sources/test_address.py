"""Addresses hold passwords: a source's name and messages do not."""

from collections.abc import Callable
from functools import partial

import pytest
from collecting import Seen, collect
from mjpeg_server import mjpeg_server
from waiting import free_port

from fedge.errors import SourceError
from fedge.options import CameraOptions, FaultLimits
from fedge.runner.health import Health
from fedge.sources.address import display_name
from fedge.sources.base import Fault, Source
from fedge.sources.factory import open_camera, open_source

CREDENTIALS, QUERY = "user:s3cret", "?token=h1dden"
LIMITS = FaultLimits(stall_after=1.0, frozen_after=0)
OPENINGS = pytest.mark.parametrize(
    "opening",
    [
        partial(open_source, options=CameraOptions(), monitor=Health(), limits=LIMITS),
        partial(open_camera, options=CameraOptions(), monitor=Health(), limits=LIMITS),
    ],
)
Opening = Callable[[str], Source]


@OPENINGS
def test_neither_frames_nor_faults_show_the_password_that_opened_the_stream(opening: Opening) -> None:
    with mjpeg_server() as server:
        server.credentials = CREDENTIALS
        source = opening(server.url.replace("//", f"//{CREDENTIALS}@") + QUERY)

        def until(seen: Seen) -> bool:
            if seen.frames:
                server.die()
            return "absent" in seen.kinds

        seen = collect(source, until)
    assert {frame.source for frame in seen.frames} == {server.url}
    messages = [item.message for item in seen.items if isinstance(item, Fault)]
    assert messages[-1] == f"{server.url} cannot be opened"
    assert all(message.startswith(server.url) and "?" not in message for message in messages)


@OPENINGS
# Longer than a file's name may be.
@pytest.mark.parametrize("query", [QUERY, "?" + 5000 * "h1dden"])
def test_an_address_that_cannot_be_opened_is_told_without_its_password(opening: Opening, query: str) -> None:
    address = f"127.0.0.1:{free_port()}/x"
    with pytest.raises(SourceError) as error:
        collect(opening(f"rtsp://{CREDENTIALS}@{address}{query}"), lambda seen: False)
    assert str(error.value) == f"rtsp://{address} cannot be opened; check the address and the network"


@OPENINGS
@pytest.mark.parametrize(
    "url",
    [
        "rtsp://user:s3/cret@127.0.0.1/x",
        "rtsp://user:s3cret@[::1/x",
        "rtsp://user:s@3/cret@127.0.0.1/x",
        "rtsp://user:s@3#cret@127.0.0.1/x",
        "rtsp://user:5/cret@127.0.0.1/x",
        "rtsp://user:5?cret@127.0.0.1/x",
    ],
)
def test_a_malformed_address_is_an_error_that_shows_nothing_of_it(opening: Opening, url: str) -> None:
    with pytest.raises(SourceError) as error:
        opening(url)
    assert error.value.what == "the rtsp address is malformed"
    assert error.value.__suppress_context__


@OPENINGS
@pytest.mark.parametrize("text", ["user:s3cret@127.0.0.1/x", "rtsp:/user:s3cret@127.0.0.1/x", "user:s/3@cret@cam:554"])
def test_an_address_without_its_scheme_is_an_error_that_shows_nothing_of_it(opening: Opening, text: str) -> None:
    with pytest.raises(SourceError, match="as an address it has no scheme; begin it with rtsp://"):
        opening(text)


@pytest.mark.parametrize(
    "path",
    ["user=admin_password=s3cret_channel=1_stream=0.sdp", "admin/s3cret/ch0.264", "5f3a9c77", "live/s3cret", "1234567"],
)
def test_what_may_be_a_secret_in_a_path_is_not_shown(path: str) -> None:
    name = display_name(f"rtsp://cam:554/{path}")
    assert name.startswith("rtsp://cam:554/")
    assert not any(secret in name for secret in ("s3cret", "5f3a9c77", "1234567", "admin"))


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (2, "camera 2"),
        ("videos/a?b@c.avi", "videos/a?b@c.avi"),
        ("http://user@[::1]:8080/axis-cgi/mjpg/video.cgi#c", "http://[::1]:8080/axis-cgi/mjpg/video.cgi"),
        ("rtsp://cam/h264Preview_01_main", "rtsp://cam/h264Preview_01_main"),
        ("rtsp://cam/Streaming/Channels/102", "rtsp://cam/Streaming/Channels/102"),
        ("udp://@239.0.0.1:1234", "udp://239.0.0.1:1234"),
        ("srt://:9000?passphrase=s3cret", "srt://:9000"),
    ],
)
def test_a_name_keeps_what_tells_sources_apart(target: str | int, name: str) -> None:
    assert display_name(target) == name

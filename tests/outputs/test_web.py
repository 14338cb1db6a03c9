"""The web page's server: who may see it, what it streams, whom it drops."""

import base64
import json
import socket
from collections.abc import Callable, Iterator
from itertools import count
from threading import Event, Thread

import cv2
import numpy as np
import pytest
from results import result, snapshot
from waiting import eventually
from web_helpers import LABELS, RECIPE, TOKEN, connect, get, read_until, stream, web_page

from fedge.errors import OutputError
from fedge.images.picture import Picture
from fedge.options import Address
from fedge.outputs.web.channel import MAX_CLIENTS
from fedge.outputs.web.feed import PICTURES_PER_SECOND, Feed
from fedge.outputs.web.server import WebPage
from fedge.outputs.web.token import choose_token

NOISE = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)


def feeding(page: WebPage) -> Callable[[], None]:
    """Shows noise, frame after frame, until the function that it gives is called."""
    ended = Event()

    def show() -> None:
        for number in count():
            if ended.wait(0.01):
                return
            page.show(result(number, picture=NOISE))

    thread = Thread(target=show)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join()

    return end


def test_the_page_and_its_files_come_with_security_headers() -> None:
    with web_page() as page:
        for path, kind in {"/": "text/html", "/page.js": "text/javascript", "/page.css": "text/css"}.items():
            status, headers, body = get(page, path)
            assert (status, headers["content-type"].split(";")[0]) == (200, kind)
            assert body
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert "server" not in headers
        assert get(page, "/../server.py")[0] == 404
        assert get(page, "/state", "POST")[0] == 405


def test_the_page_uses_nothing_from_elsewhere_and_no_inline_script() -> None:
    with web_page() as page:
        texts = [get(page, path)[2].decode() for path in ("/", "/page.css", "/page.js", "/chart.js", "/live.js")]
    for text in texts:
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "innerHTML" not in text
    assert "<script>" not in texts[0]
    assert "style=" not in texts[0]


def test_the_state_is_what_was_shown() -> None:
    with web_page() as page:
        page.show(result(0, "Bag", changed=True, picture=NOISE))
        page.show(result(1, None, changed=True, picture=NOISE))
        page.health(snapshot("waiting", "unplugged"))
        state = json.loads(get(page, "/state")[2])
    assert state["labels"] == list(LABELS)
    assert [change["label"] for change in state["changes"]] == [None, "Bag"]
    assert (state["state"]["frame"], state["state"]["label"], state["state"]["scores"]) == (1, None, [0.75, 0.25])
    # A square of 480 of 640 pixels in the middle: 80 px on each side, 12.5%, are not looked at.
    assert state["state"]["seen"] == [0.125, 0, 0.75, 1]
    assert (state["health"]["state"], state["health"]["message"]) == ("waiting", "unplugged")
    assert state["latency"][0][1:] == [12.0, 12.0, 0.25]


def test_the_state_has_what_the_network_saw() -> None:
    small, large = NOISE[:28, :32, ::-1].copy(), NOISE[:300, :150, :1].copy()
    with web_page() as page:
        assert json.loads(get(page, "/state")[2])["input"] is None
        page.show(result(0, image=small))
        assert np.array_equal(decoded(json.loads(get(page, "/state")[2])["input"]), NOISE[:28, :32])
        page.show(result(1, image=large))
        # A large input is made smaller: a page takes eight of them a second.
        assert decoded(json.loads(get(page, "/state")[2])["input"]).shape == (96, 48, 3)


def decoded(url: str) -> Picture:
    head, data = url.split(",", 1)
    assert head == "data:image/png;base64"
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, dtype=np.uint8)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "192.168.1.5", ""])
def test_a_loopback_page_refuses_other_host_names(host: str) -> None:
    with web_page() as page:
        for path in ("/", "/state", "/live.mjpg"):
            assert get(page, path, Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:80"])
def test_a_loopback_page_takes_its_own_names(host: str) -> None:
    with web_page() as page:
        assert get(page, "/", Host=host)[0] == 200


def test_what_other_sites_embed_is_refused_and_what_people_open_is_not() -> None:
    with web_page() as page:
        assert get(page, "/live.mjpg", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
        assert get(page, "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200
        assert get(page, "/state", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="cors")[0] == 200


def test_an_address_that_others_can_reach_needs_a_token() -> None:
    with pytest.raises(OutputError, match="needs a token"), web_page(host="0.0.0.0"):
        pass


def test_without_the_token_nothing_but_the_question_for_it() -> None:
    with web_page(TOKEN, "0.0.0.0") as page:
        page.show(result(0, "Bag"))
        for path in ("/", "/page.js", "/state", "/events", "/live.mjpg", "/nothing", "/?token=wrong", "/?token="):
            status, headers, body = get(page, path)
            assert status == 401, path
            assert b"Bag" not in body
            assert "set-cookie" not in headers
        for given in ({"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Cookie": f"fedge-{page.port}=x"}):
            assert get(page, "/state", **given)[0] == 401
        assert get(page, "/state", Cookie=f"fedge-{page.port + 1}={TOKEN}")[0] == 401


def test_the_token_opens_as_bearer_and_as_a_cookie_that_a_visit_sets() -> None:
    with web_page(TOKEN, "0.0.0.0") as page:
        assert get(page, "/state", Authorization=f"Bearer {TOKEN}")[0] == 200
        status, headers, _ = get(page, f"/state?a=1&token={TOKEN}")
        # The token does not stay in the address.
        assert (status, headers["location"]) == (303, "/state?a=1")
        cookie, *attributes = headers["set-cookie"].split("; ")
        assert {"httponly", "samesite=lax", "path=/"} <= {attribute.lower() for attribute in attributes}
        assert get(page, "/state", Cookie=cookie)[0] == 200
        # A reverse proxy passes another name on; the token is proof enough.
        assert get(page, "/state", Cookie=cookie, Host="shelf.example")[0] == 200
        assert get(page, f"//evil.example?token={TOKEN}")[1]["location"] == "/evil.example"


def test_a_token_is_never_written_anywhere(capfd: pytest.CaptureFixture[str]) -> None:
    with web_page(TOKEN, "0.0.0.0") as page:
        get(page, f"/?token={TOKEN}")
        get(page, f"/?token={TOKEN}x")
    out, err = capfd.readouterr()
    assert TOKEN not in out + err


def test_tokens_are_chosen_safely(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    local, public = Address("127.0.0.1", 8080), Address("0.0.0.0", 8080)
    assert choose_token(None, local) is None
    assert choose_token(TOKEN, local) == TOKEN
    for bad in ("short", "sixteen spaces !", "sixteen-ümlauts!", 'sixteen"quotes""'):
        with pytest.raises(OutputError, match="16 or more"):
            choose_token(bad, public)
    # Standard error is a file here, as in a log: a fresh token may not go there.
    with pytest.raises(OutputError, match="FEDGE_WEB_TOKEN"):
        choose_token(None, public)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    fresh = choose_token(None, public)
    assert fresh is not None
    assert len(fresh) >= 22
    assert capsys.readouterr().err == ""


def test_the_stream_carries_the_pictures_that_are_shown() -> None:
    with web_page() as page, stream(page, "/live.mjpg") as client:
        eventually(lambda: page.feed.pictures.clients == 1)
        end = feeding(page)
        received = read_until(client, b"--fedge\r\n")
        while received.count(b"--fedge\r\n") < 2:
            received += client.recv(1 << 16)
        end()
    part = received.split(b"--fedge\r\n")[1]
    # HTTP's own chunks may fall between head and picture, never inside a small message; the JPEG is marked by itself.
    assert b"Content-Type: image/jpeg" in part
    chunk = part[part.index(b"\xff\xd8") :]
    assert cv2.imdecode(np.frombuffer(chunk, np.uint8), cv2.IMREAD_COLOR).shape == NOISE.shape


def counting_jpegs(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The JPEG pictures that are encoded from now on."""
    encoded: list[bytes] = []
    plain = cv2.imencode

    def counted(suffix: str, *arguments: object) -> object:
        done, data = plain(suffix, *arguments)  # type: ignore[call-overload]
        if suffix == ".jpg":
            encoded.append(data.tobytes())
        return done, data

    monkeypatch.setattr(cv2, "imencode", counted)
    return encoded


def test_pictures_are_encoded_once_for_all_and_only_while_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = counting_jpegs(monkeypatch)
    with web_page(pictures_per_second=1e9) as page:
        page.show(result(0, picture=NOISE))
        assert encoded == []
        clients = [stream(page, "/live.mjpg") for _ in range(3)]
        eventually(lambda: page.feed.pictures.clients == 3)
        page.show(result(1, picture=NOISE))
        for client in clients:
            read_until(client, encoded[0][-64:])
        assert len(encoded) == 1
        for client in clients:
            client.close()
        eventually(lambda: page.feed.pictures.clients == 0)
        page.show(result(2, picture=NOISE))
        assert len(encoded) == 1


def test_pictures_are_rate_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    encoded = counting_jpegs(monkeypatch)
    watched = Feed(LABELS, RECIPE, clock=lambda: clock[0])
    watched.pictures.clients = 1
    for number in range(1000):
        clock[0] += 0.001
        watched.show(result(number))
    # In one second: PICTURES_PER_SECOND, and the first at once.
    assert PICTURES_PER_SECOND - 1 <= len(encoded) <= PICTURES_PER_SECOND + 1


@pytest.mark.parametrize("path", ["/live.mjpg", "/events"])
def test_clients_are_capped(path: str) -> None:
    with web_page() as page:
        clients = [stream(page, path) for _ in range(MAX_CLIENTS)]
        channel = page.feed.pictures if path == "/live.mjpg" else page.feed.states
        eventually(lambda: channel.clients == MAX_CLIENTS)
        status, headers, _ = get(page, path)
        assert (status, headers["retry-after"]) == (503, "10")
        clients[0].close()
        eventually(lambda: channel.clients == MAX_CLIENTS - 1)
        with stream(page, path) as another:
            assert b"200 OK" in read_until(another, b"\r\n\r\n")
        for client in clients:
            client.close()


def test_a_client_that_does_not_read_is_dropped_and_one_that_reads_is_not() -> None:
    with web_page(send_seconds=2.0) as page:
        lazy, eager = stream(page, "/live.mjpg", receive_buffer=4096), stream(page, "/live.mjpg")
        eventually(lambda: page.feed.pictures.clients == 2)
        end = feeding(page)
        received = 0

        def only_one_left() -> bool:
            nonlocal received
            received += len(eager.recv(1 << 20))
            return page.feed.pictures.clients == 1

        eventually(only_one_left)
        assert received > 0
        assert eager.recv(1 << 20)
        end()
        lazy.close()
        eager.close()


HEAD = "GET / HTTP/1.1\r\nHost: localhost\r\n"
BODY = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n"


@pytest.fixture
def impatient_page() -> Iterator[WebPage]:
    # Long enough for the requests that are made in time, on a busy machine too.
    with web_page(request_seconds=1.0) as page:
        yield page


@pytest.mark.parametrize("begun", ["", HEAD])
def test_a_client_that_does_not_finish_its_first_request_is_dropped(impatient_page: WebPage, begun: str) -> None:
    with connect(impatient_page) as client:
        client.sendall(begun.encode())
        assert client.recv(1) == b""


@pytest.mark.parametrize("begun", [HEAD, BODY])
def test_a_finished_request_before_does_not_buy_an_unfinished_one_time(impatient_page: WebPage, begun: str) -> None:
    with connect(impatient_page) as client:
        client.sendall(f"{HEAD}\r\n".encode())
        read_until(client, b"</html>")
        client.sendall(begun.encode())
        while client.recv(1 << 16):
            pass


@pytest.mark.parametrize("begun", [HEAD, BODY])
def test_a_byte_now_and_then_does_not_buy_an_unfinished_request_time(impatient_page: WebPage, begun: str) -> None:
    def refuses_another_byte() -> bool:
        try:
            client.sendall(b"x")
        except OSError:
            return True
        return False

    with connect(impatient_page) as client:
        client.sendall(begun.encode())
        eventually(refuses_another_byte)


def test_a_client_that_has_what_it_asked_for_may_be_silent(impatient_page: WebPage) -> None:
    with stream(impatient_page, "/events") as watching, connect(impatient_page) as silent:
        read_until(watching, b"\n\n")
        # As long as that takes, the watching one has been silent too.
        assert silent.recv(1) == b""
        impatient_page.show(result(1, changed=True))
        assert b'"frame":1' in read_until(watching, b"\n\n")


def test_connections_are_capped() -> None:
    with web_page(max_connections=3) as page, connect(page), connect(page) as second:
        eventually(lambda: get(page, "/")[0] == 503)
        second.close()
        eventually(lambda: get(page, "/")[0] == 200)


def test_events_begin_with_everything_and_go_on_with_news() -> None:
    with web_page() as page:
        page.show(result(0, "Bag", changed=True))
        with stream(page, "/events") as client:
            first = read_until(client, b"\n\n")
            assert b"text/event-stream" in first
            assert b'"labels":["Bag","Dress"]' in first
            eventually(lambda: page.feed.states.clients == 1)
            page.show(result(1, "Dress", changed=True))
            assert b'"frame":1' in read_until(client, b"\n\n")


def test_a_second_page_on_the_same_port_is_a_clear_error() -> None:
    with web_page() as page, pytest.raises(OutputError, match="cannot be listened on"):
        WebPage(Address("127.0.0.1", page.port), None, LABELS, RECIPE)


def test_after_the_end_nobody_listens_and_clients_are_gone() -> None:
    with web_page() as page, stream(page, "/events") as client:
        read_until(client, b"\n\n")
        page.close()
        with pytest.raises(ConnectionError):
            socket.create_connection(("127.0.0.1", page.port))
        while client.recv(1 << 16):
            pass
        with pytest.raises(OutputError, match="ended"):
            page.show(result(0))


def test_a_page_is_for_readers_of_any_language_and_labels_cannot_break_out_of_json() -> None:
    labels = ("</script><script>alert(1)</script>", "Tasche\nÄ\u2028")
    with web_page(labels=labels) as page:
        status, headers, body = get(page, "/state")
        assert (status, headers["content-type"]) == (200, "application/json")
        assert json.loads(body)["labels"] == list(labels)
        with stream(page, "/events") as client:
            first = read_until(client, b"\n\n").split(b"data: ")[1]
            assert json.loads(first[: first.index(b"\n\n")])["labels"] == list(labels)

"""Webhooks and Prometheus metrics, over real HTTP."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from results import result, snapshot
from waiting import eventually, free_port, once_main_thread_is_in

from fedge.errors import OutputError
from fedge.options import Address, parse_address, parse_webhook
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.network.prometheus import Metrics
from fedge.outputs.network.webhook import Webhook
from fedge.runner.health import Health, OutputStatus


class Receiver(HTTPServer):
    """Keeps what is posted; answers with the next of `answers`, or 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posts)
        self.answers: list[int] = []
        self.open = Event()
        self.open.set()
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook?key=k"


class _Posts(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.open.wait()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.server.answers.pop(0) if self.server.answers else 204
        if status == 204:
            self.server.posted.append((self.headers["Content-Type"], body))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def do_GET(self) -> None:
        raise AssertionError("a redirect was followed")

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_changes_are_posted_in_order_and_other_results_are_not(receiver: Receiver) -> None:
    hub = Hub([Webhook(parse_webhook(receiver.url))], Health())
    for number in range(9):
        hub.show(result(number, "Bag" if number else None, changed=number % 3 == 0))
    eventually(lambda: len(receiver.posted) == 3)
    hub.close()
    assert [body["frame"] for _, body in receiver.posted] == [0, 3, 6]
    assert receiver.posted[0][1]["label"] is None
    assert receiver.posted[1] == (
        "application/json",
        {
            "label": "Bag",
            "score": 0.7,
            "since": "2026-01-02T03:04:08.000Z",
            "frame": 3,
            "source": "memory",
            "model_sha256": "",
        },
    )


def test_a_webhook_that_had_nothing_to_post_yet_does_not_say_that_it_works(receiver: Receiver) -> None:
    health = Health()
    hub = Hub([Webhook(parse_webhook(receiver.url))], health)
    hub.show(result(0, changed=False))
    hub.health(snapshot())
    hub.show(result(1, changed=True))
    eventually(lambda: receiver.posted)
    eventually(lambda: health.snapshot().outputs == {"webhook": OutputStatus("ok")})
    hub.close()
    idle = Health()
    hub = Hub([Webhook(parse_webhook(f"http://127.0.0.1:{free_port()}/"))], idle)
    hub.show(result(0, changed=False))
    hub.health(snapshot())
    hub.close()
    assert idle.snapshot().outputs == {"webhook": OutputStatus("idle")}
    metrics = Metrics(Address("127.0.0.1", 0), idle)
    assert 'fedge_output_ok{output="webhook"} 1' in metrics.text()
    metrics.close()


def test_what_the_server_does_not_take_is_posted_again(receiver: Receiver) -> None:
    receiver.answers = [500, 302, 404]
    health, output = Health(), Webhook(parse_webhook(receiver.url))
    output.longest_pause_s = 0.01
    hub = Hub([output], health)
    for number in range(3):
        hub.show(result(number, changed=True))
    eventually(lambda: len(receiver.posted) == 3)
    hub.close()
    assert receiver.answers == []
    assert [body["frame"] for _, body in receiver.posted] == [0, 1, 2]
    assert health.snapshot().outputs == {"webhook": OutputStatus("ok")}


@pytest.mark.parametrize("answer", [400, 410, 413, 422])
def test_a_change_that_is_refused_for_good_is_counted_and_the_next_is_posted(
    receiver: Receiver, answer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answers = [answer]
    health = Health()
    hub = Hub([Webhook(parse_webhook(receiver.url))], health)
    for number in range(3):
        hub.show(result(number, changed=True))
    eventually(lambda: len(receiver.posted) == 2)
    hub.close()
    assert [body["frame"] for _, body in receiver.posted] == [1, 2]
    assert health.snapshot().outputs == {"webhook": OutputStatus("ok", dropped=1)}
    assert capsys.readouterr().err.splitlines() == [
        f"fedge: the output webhook leaves results out (127.0.0.1 answers {answer}); the rest goes on",
        "fedge: the output webhook ends, 1 result dropped",
    ]


@pytest.mark.parametrize("answer", [302, 401, 403, 404])
def test_what_may_be_the_address_is_tried_three_times(receiver: Receiver, answer: int) -> None:
    receiver.answers = [answer] * 3
    health, output = Health(), Webhook(parse_webhook(receiver.url))
    output.longest_pause_s = 0.01
    hub = Hub([output], health)
    hub.show(result(0, changed=True))
    hub.show(result(1, changed=True))
    eventually(lambda: receiver.posted)
    hub.close()
    assert [body["frame"] for _, body in receiver.posted] == [1]
    assert health.snapshot().outputs == {"webhook": OutputStatus("ok", dropped=1)}


def test_each_regions_change_of_a_frame_is_posted_with_its_name_and_has_tries_of_its_own(receiver: Receiver) -> None:
    # Three tries of the first, and two of the second before it is taken.
    receiver.answers = [404] * 5
    health, output = Health(), Webhook(parse_webhook(receiver.url))
    output.longest_pause_s = 0.01
    hub = Hub([output], health)
    for region in ("gate", "bin"):
        hub.show(replace(result(0, changed=True), region=region))
    eventually(lambda: receiver.posted)
    hub.close()
    assert [(body["frame"], body["region"]) for _, body in receiver.posted] == [(0, "bin")]
    assert health.snapshot().outputs == {"webhook": OutputStatus("ok", dropped=1)}


@pytest.mark.parametrize("answer", [408, 425, 429, 503])
def test_what_the_server_puts_off_is_posted_until_it_is_taken(receiver: Receiver, answer: int) -> None:
    receiver.answers = [answer] * 5
    output = Webhook(parse_webhook(receiver.url))
    output.longest_pause_s = 0.01
    hub = Hub([output], Health())
    hub.show(result(0, changed=True))
    eventually(lambda: receiver.posted)
    hub.close()
    assert [body["frame"] for _, body in receiver.posted] == [0]


@pytest.mark.parametrize(("answer", "message"), [(500, "answers 500"), (302, "answers 302")])
def test_a_refusal_is_an_error_that_does_not_show_the_address(receiver: Receiver, answer: int, message: str) -> None:
    receiver.answers = [answer]
    with pytest.raises(OutputError, match=message) as refused:
        Webhook(parse_webhook(receiver.url)).show(result(0))
    assert "key" not in str(refused.value)


def test_a_server_that_never_answers_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hook = Webhook(parse_webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/"), timeout_seconds=0.1)
        with pytest.raises(OutputError, match="timed out"):
            hook.show(result(0))


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OutputError, match="refused"):
        Webhook(parse_webhook(f"http://127.0.0.1:{free_port()}/")).show(result(0))


@pytest.mark.parametrize(
    "url", ["ftp://host/", "host", "file:///etc/passwd", "http://", "http://u:p@host/", "http://[", "http://h:x/"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(OutputError, match="an http or https URL"):
        parse_webhook(url)


def scrape(metrics: Metrics, path: str = "/metrics", host: str = "localhost") -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", metrics.port, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_metrics_count_what_was_shown() -> None:
    health = Health()
    metrics = Metrics(Address("127.0.0.1", 0), health)
    hub = Hub([metrics], health)
    for age in (0.5, 1.0, 30.0, 9000.0):
        hub.show(result(0, 'a "b"\\\n', changed=age == 0.5, age_ms=age))
        health.count_frame(0.0)
    hub.show(result(1, None, age_ms=30.0))
    health.count_dropped(4)
    health.count_fault("stall", "no frame")
    status, text = scrape(metrics)
    hub.close()
    assert status == 200
    lines = text.splitlines()
    expected = {
        "fedge_frames_total 4",
        "fedge_frames_dropped_total 4",
        'fedge_faults_total{kind="stall"} 1',
        'fedge_output_ok{output="metrics"} 1',
        # A bound counts what equals it.
        'fedge_latency_seconds_bucket{le="0.001"} 2',
        'fedge_latency_seconds_bucket{le="0.025"} 2',
        'fedge_latency_seconds_bucket{le="0.05"} 4',
        'fedge_latency_seconds_bucket{le="2.5"} 4',
        'fedge_latency_seconds_bucket{le="+Inf"} 5',
        "fedge_latency_seconds_count 5",
        'fedge_answers_total{label="a \\"b\\"\\\\\\n"} 4',
        'fedge_answers_total{label="unknown"} 1',
        'fedge_changes_total{label="a \\"b\\"\\\\\\n"} 1',
    }
    assert expected <= set(lines)
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert text.endswith("\n")


def test_metrics_are_at_one_path_and_for_this_hosts_names() -> None:
    metrics = Metrics(Address("127.0.0.1", 0), Health())
    assert scrape(metrics, "/")[0] == 404
    assert scrape(metrics, host="evil.example")[0] == 403
    metrics.close()


@contextmanager
def dripping(metrics: Metrics) -> Iterator[Event]:
    """A client that sends another byte of a header now and then, for ever; the event is set once it was dropped."""
    dropped, enough = Event(), Event()

    def drip(client: socket.socket) -> None:
        client.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        while not dropped.is_set() and not enough.wait(0.02):
            try:
                client.sendall(b"x")
            except OSError:
                dropped.set()

    with socket.create_connection(("127.0.0.1", metrics.port)) as client:
        thread = Thread(target=drip, args=(client,))
        thread.start()
        try:
            yield dropped
        finally:
            enough.set()
            thread.join()


def test_a_client_that_drips_holds_up_neither_another_nor_the_end() -> None:
    # Were anyone to wait for the dripping client, this would never end.
    metrics = Metrics(Address("127.0.0.1", 0), Health(), scrape_seconds=1e9)
    with dripping(metrics) as dropped:
        assert scrape(metrics)[0] == 200
        assert not dropped.is_set()
        metrics.close()
        eventually(dropped.is_set)


def test_a_client_that_drips_is_dropped_when_its_time_is_up() -> None:
    metrics = Metrics(Address("127.0.0.1", 0), Health(), scrape_seconds=0.1)
    with dripping(metrics) as dropped:
        eventually(dropped.is_set)
    metrics.close()


def test_there_are_only_so_many_clients_at_once() -> None:
    metrics = Metrics(Address("127.0.0.1", 0), Health(), scrape_seconds=1e9, most_scrapes=1)
    with dripping(metrics), pytest.raises(ConnectionError):
        scrape(metrics)
    eventually(lambda: _is_served(metrics))
    metrics.close()


def _is_served(metrics: Metrics) -> bool:
    with suppress(ConnectionError):
        return scrape(metrics)[0] == 200
    return False


def test_a_file_source_waits_for_a_webhook_that_takes_its_time(
    receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.open.clear()
    health = Health()
    # A live source would not wait at all.
    hub = Hub([Webhook(parse_webhook(receiver.url))], health, live=False, close_seconds=0)
    for number in range(60):
        hub.show(result(number, changed=True))
    with once_main_thread_is_in("finish", receiver.open.set):
        hub.close()
    assert [body["frame"] for _, body in receiver.posted] == list(range(60))
    assert health.snapshot().outputs == {"webhook": OutputStatus("ok")}
    assert capsys.readouterr().err == ""


def test_a_port_in_use_is_a_clear_error() -> None:
    metrics = Metrics(Address("127.0.0.1", 0), Health())
    with pytest.raises(OutputError, match="cannot be listened on"):
        Metrics(Address("127.0.0.1", metrics.port), Health())
    metrics.close()


def test_addresses_are_read() -> None:
    assert parse_address("0.0.0.0:80", "--web") == Address("0.0.0.0", 80)
    assert parse_address("9000", "--web") == Address("127.0.0.1", 9000)
    assert parse_address(":9000", "--metrics") == Address("127.0.0.1", 9000)
    assert parse_address("[::1]:9000", "--web") == Address("::1", 9000)
    assert parse_address("[::]", "--web") == Address("::", 8080)
    assert parse_address("pi.local", "--metrics") == Address("pi.local", 9464)
    for bad in ("1.2.3.4:x", "::1:9000", "host:70000", "http://host"):
        with pytest.raises(OutputError, match="--web"):
            parse_address(bad, "--web")


def test_loopback_is_what_only_this_machine_reaches() -> None:
    assert [Address(host, 0).is_loopback for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert [Address(host, 0).is_loopback for host in ("0.0.0.0", "::", "10.0.0.1", "pi.local")] == [False] * 4

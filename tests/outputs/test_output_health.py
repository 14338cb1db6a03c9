"""Every output that fails counts as failing wherever the health is shown: metrics, page, MQTT, systemd."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import FileIO, TextIOWrapper
from pathlib import Path
from threading import Thread

import pytest
from full_disk import no_room_for_more_than
from pictures_for_tests import room
from results import result
from waiting import eventually, free_port
from web_helpers import LABELS, RECIPE, get, web_page

from fedge.options import Address, Broker, Program, parse_webhook
from fedge.outputs.base import Output
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.files.csv_file import CsvFile
from fedge.outputs.files.json_lines import JsonLines
from fedge.outputs.files.sqlite_file import SqliteFile
from fedge.outputs.files.unsure_frames import UnsureFrames
from fedge.outputs.mqtt.client import Mqtt
from fedge.outputs.network.prometheus import Metrics
from fedge.outputs.network.webhook import Webhook
from fedge.outputs.program import RunProgram
from fedge.outputs.screen.terminal import Lines
from fedge.outputs.screen.window import Window
from fedge.outputs.systemd import Notify
from fedge.outputs.web.server import WebPage
from fedge.runner.health import Health, OutputStatus
from fedge.runner.recording import Recorder

Failing = Callable[[Path, ExitStack, pytest.MonkeyPatch], Output]


def csv_on_a_full_disk(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    return CsvFile(Path("/dev/full"), 1 << 20, 1)


def sqlite_on_a_full_disk(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    output = SqliteFile(folder / "log.db", 10)
    stack.enter_context(no_room_for_more_than(100))
    return output


def unsure_on_a_full_disk(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    output = UnsureFrames(folder / "unsure", 10**9, 0, LABELS)
    stack.enter_context(no_room_for_more_than(100))
    return output


def webhook_at_a_server_that_is_ill(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    server = HTTPServer(("127.0.0.1", 0), _Ill)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    return Webhook(parse_webhook(f"http://127.0.0.1:{server.server_address[1]}/"))


class _Ill(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(500)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None: ...


def mqtt_without_a_broker(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    return Mqtt(Broker("127.0.0.1", free_port(), "test/shelf", None, False))


def web_whose_server_has_ended(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    page = WebPage(Address("127.0.0.1", 0), None, LABELS, RECIPE)
    page.close()
    return page


def window_without_a_screen(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    # Such a build opens no window, and says so only when it is asked to show a picture.
    monkeypatch.setattr("cv2.getBuildInformation", lambda: "  GUI: QT5\n")
    monkeypatch.setenv("DISPLAY", ":77")
    return Window(RECIPE)


def systemd_that_has_gone(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    return Notify(str(folder / "nobody"))


def json_on_a_full_disk(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    stack.callback(os.close, descriptor)
    return JsonLines(descriptor)


def terminal_on_a_full_disk(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    # Without a buffer, which would be written at the end, and fail there.
    return Lines(stack.enter_context(TextIOWrapper(FileIO("/dev/full", "w"), write_through=True)))


def exec_of_a_program_that_has_gone(folder: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Output:
    return RunProgram(Program((str(folder / "gone"),)), 1, 1)


KINDS: list[Failing] = [
    exec_of_a_program_that_has_gone,
    csv_on_a_full_disk,
    sqlite_on_a_full_disk,
    unsure_on_a_full_disk,
    webhook_at_a_server_that_is_ill,
    mqtt_without_a_broker,
    web_whose_server_has_ended,
    window_without_a_screen,
    systemd_that_has_gone,
    json_on_a_full_disk,
    terminal_on_a_full_disk,
]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_output_that_fails_is_shown_as_failing(
    kind: Failing, tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = Health()
    hub = Hub([output := kind(tmp_path, stack, monkeypatch)], health)
    hub.show(result(0, None, changed=True, picture=room(0, 160, 120)))
    eventually(lambda: health.snapshot().outputs[output.name].failing)
    stack.pop_all().close()
    shows_as_failing(output.name, health, tmp_path)
    hub.close()


def test_a_recording_on_a_full_disk_is_shown_as_failing(tmp_path: Path) -> None:
    health = Health()
    with no_room_for_more_than(10):
        recorder = Recorder(tmp_path / "kept", 10**9, {}, {}, health)
        recorder.keep(result(0), dict)
        eventually(lambda: health.snapshot().outputs["recording"].failing)
    shows_as_failing("recording", health, tmp_path)
    recorder.close()


def shows_as_failing(name: str, health: Health, folder: Path) -> None:
    health.count_frame(0.0)
    snapshot = health.snapshot()
    assert not snapshot.healthy and snapshot.outputs[name].reason
    metrics = Metrics(Address("127.0.0.1", 0), health)
    assert f'fedge_output_ok{{output="{name}"}} 0' in metrics.text().splitlines()
    metrics.close()
    with web_page() as page:
        page.health(snapshot)
        shown = json.loads(get(page, "/state")[2])["health"]
    assert shown["outputs"][name].startswith("failing: ")
    assert shown["output_status"][name]["state"] == "failing" and not shown["healthy"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "manager"))
        notify = Notify(str(folder / "manager"))
        notify.health(snapshot)
        assert manager.recv(4096).decode().startswith(f"STATUS=running; {name} fails (")
        notify.close()


def test_a_status_is_data_and_words_are_made_of_it() -> None:
    assert str(OutputStatus("ok")) == "ok"
    assert str(OutputStatus("idle")) == "idle"
    assert str(OutputStatus("ok", dropped=1)) == "ok, 1 result dropped"
    assert str(OutputStatus("failing", "no space left", 1234)) == "failing: no space left, 1,234 results dropped"

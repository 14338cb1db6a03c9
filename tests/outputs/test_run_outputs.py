"""`fedge run` with its outputs, as a process of its own."""

import csv
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from broker import Mosquitto, Subscriber, mosquitto
from collecting import collect
from pictures_for_tests import write_video
from support import fedge
from waiting import eventually, free_port

from fedge.cli.parsing.optional_values import with_defaults
from fedge.commands.run.sources import open_source
from fedge.errors import EXIT_USAGE
from fedge.model.classifier import load
from fedge.options import OutputOptions, RunOptions
from fedge.options.outputs import UnsureOptions
from fedge.outputs.files.unsure_frames import MARGIN
from fedge.runner.health import Health

COMMAND = [sys.executable, "-m", "fedge", "run"]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety frames of changing gray."""
    path = tmp_path_factory.mktemp("video") / "gray.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 48))
    for i in range(90):
        writer.write(np.full((48, 64, 3), 2 * i, np.uint8))
    writer.release()
    return path


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with a `rpicam-vid` that gives a picture now and then, for ever."""
    picture = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
    (tmp_path / "frame.jpg").write_bytes(picture)
    program = tmp_path / "rpicam-vid"
    program.write_text(f"#!/bin/sh\nwhile cat {tmp_path}/frame.jpg; do sleep 0.05; done\n")
    program.chmod(0o755)
    yield {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


@contextmanager
def running(*arguments: object, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [*COMMAND, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_all_file_outputs_get_every_frame_of_a_video(video: Path, tmp_path: Path) -> None:
    outputs = ["--csv", tmp_path / "log.csv", "--sqlite", tmp_path / "log.db", "--metrics", f"127.0.0.1:{free_port()}"]
    done = subprocess.run([*COMMAND, "--source", video, "--json", *map(str, outputs)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == list(range(90))
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["frame"]), row["label"] or None) for row in rows] == [
        (line["frame"], line["label"]) for line in lines
    ]
    database = sqlite3.connect(tmp_path / "log.db")
    found = database.execute("SELECT frame, label FROM answers ORDER BY id").fetchall()
    database.close()
    assert found == [(line["frame"], line["label"]) for line in lines]


def test_a_csv_file_on_a_full_disk_does_not_stop_the_run(video: Path) -> None:
    done = subprocess.run([*COMMAND, "--source", video, "--json", "--csv", "/dev/full"], capture_output=True, text=True)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 90
    fails, ends = done.stderr.splitlines()
    assert "the output csv fails" in fails
    assert ends == "fedge: the output csv ends, 90 results dropped"


def test_who_reads_no_further_ends_the_run_quietly(video: Path) -> None:
    with running("--source", video, "--json", environment=dict(os.environ)) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_the_web_page_runs_beside_and_sigterm_ends_everything(camera: dict[str, str]) -> None:
    port = free_port()
    with running("--camera", "--device", "csi", "--json", "--web", f"{port}", environment=camera) as process:
        assert process.stdout is not None
        process.stdout.readline()
        state = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/state", timeout=20).read())
        assert state["labels"]
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait() == 0


def test_systemd_is_told_when_the_first_frame_is_classified(camera: dict[str, str], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        environment = {**camera, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        with running("--camera", "--device", "csi", "--json", environment=environment) as process:
            told = [manager.recv(4096).decode()]
            while told.count("WATCHDOG=1") < 3:
                told.append(manager.recv(4096).decode())
            assert told.index("READY=1") < told.index("WATCHDOG=1")
            process.send_signal(signal.SIGTERM)
            while told[-1] != "STOPPING=1":
                told.append(manager.recv(4096).decode())
            process.communicate()


@pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed (apt-get install mosquitto)")
def test_a_decision_reaches_the_broker(camera: dict[str, str], tmp_path: Path) -> None:
    server = Mosquitto(tmp_path)
    subscriber = Subscriber(server.port)
    url = f"mqtt://127.0.0.1:{server.port}/test/shelf"
    # Any class is good enough to decide on: this is about the way, not the answer.
    certain = ["--enter", "0.02", "--leave", "0.01", "--smooth", "0"]
    with running("--camera", "--device", "csi", "--json", *certain, "--mqtt", url, environment=camera) as process:
        eventually(lambda: subscriber.on("test/shelf/state"))
        process.send_signal(signal.SIGTERM)
        process.communicate()
    eventually(lambda: subscriber.on("test/shelf/availability") == ["online", "offline"])
    subscriber.close()
    server.stop()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--web", "0.0.0.0:0"], "needs a token"),
        (["--window"], "no windows|no display"),
        (["--mqtt", "mqtt://u:p@h/x"], "FEDGE_MQTT_PASSWORD"),
        (["--webhook", "host"], "an http or https URL"),
        (["--csv", "/proc/no/log.csv"], "cannot be written"),
        (["--unsure", "/proc/no/unsure"], "cannot be used"),
        (["--mqtt", "mqtts://h/x", "--mqtt-ca", "/nothing.pem"], "no certificate"),
    ],
)
def test_an_output_that_cannot_be_opened_is_one_line(video: Path, arguments: list[str], message: str) -> None:
    done = subprocess.run([*COMMAND, "--source", video, *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert re.search(message, done.stderr)


def test_a_webhooks_url_may_come_from_the_environment(video: Path) -> None:
    environment = {**os.environ, "FEDGE_WEBHOOK": "ftp://hooks.example/secret"}
    done = subprocess.run([*COMMAND, "--source", video], capture_output=True, text=True, env=environment)
    assert done.returncode == 1 and "an http or https URL" in done.stderr


def test_frames_that_the_network_is_not_sure_of_are_kept_and_no_others(tmp_path: Path) -> None:
    # Among so many there are some, and by far not all.
    assert fedge("samples", tmp_path / "samples", "--count", 300).code == 0
    asked = ("--unsure", tmp_path / "unsure", "--unsure-every", 0)
    lines = fedge("run", "--source", tmp_path / "samples", "--json", *asked).lines()
    unsure = [line["source"] for line in lines if line["label"] is None or _margin(line) < MARGIN]
    assert 0 < len(unsure) < 150
    kept = [json.loads(path.read_text()) for path in sorted((tmp_path / "unsure").glob("*.json"))]
    assert kept
    # Two garments may look alike; then one of them is enough.
    assert {line["source"] for line in kept} <= set(unsure)
    assert {line["source"] for line in kept} >= set(unsure[:1])
    assert all(len(line["scores"]) == 10 for line in kept)


def _margin(line: dict[str, Any]) -> float:
    return float(line["top"][0][1] - line["top"][1][1])


def test_what_is_kept_to_be_labelled_is_neither_gray_nor_reduced(
    quantized: tuple[Path, object], tmp_path: Path
) -> None:
    video = write_video(tmp_path / "a.avi", 3)
    model, _ = quantized
    classifier = load(model)

    def shape(*outputs: OutputOptions) -> tuple[int, ...]:
        asked = RunOptions(str(model), None, str(video), None, False, outputs=outputs)
        frames = collect(open_source(asked, classifier, Health()), lambda seen: False).frames
        return frames[0].picture.shape

    assert shape(UnsureOptions(tmp_path, 10**6, 5.0)) == (480, 640, 3)
    assert len(shape()) == 2


def test_showing_the_input_needs_somewhere_to_show_it(video: Path) -> None:
    shown = subprocess.run([*COMMAND, "--source", video, "--show-input"], capture_output=True, text=True)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "needs a terminal" in shown.stderr and len(shown.stderr.splitlines()) == 1
    beside_json = subprocess.run(
        [*COMMAND, "--source", video, "--show-input", "--json"], capture_output=True, text=True
    )
    assert beside_json.returncode == EXIT_USAGE


@pytest.mark.parametrize(("option", "module"), [("--mqtt=mqtt://h/x", "paho"), ("--web", "starlette")])
def test_a_missing_extra_is_one_line_with_its_mend(video: Path, option: str, module: str) -> None:
    program = f"import sys; sys.modules[{module!r}] = None; from fedge.cli.main import run; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "run", "--source", video, option], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert f"pip install 'fedge[{'mqtt' if module == 'paho' else 'web'}]'" in done.stderr


def test_addresses_may_be_left_out_wherever_the_option_stands() -> None:
    default = "127.0.0.1:8080"
    assert with_defaults(["--web"]) == ["--web", default]
    assert with_defaults(["--web", "--camera"]) == ["--web", default, "--camera"]
    assert with_defaults(["--web", "base", "--camera"]) == ["--web", default, "base", "--camera"]
    assert with_defaults(["--web", "my.tflite"]) == ["--web", default, "my.tflite"]
    for address in ("8080", ":80", "pi:80", "10.0.0.1", "[::1]:80", "[::]"):
        assert with_defaults(["--web", address, "--camera"]) == ["--web", address, "--camera"]


def test_a_host_name_alone_is_an_address_and_a_models_file_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for host in ("localhost", "pi.local", "shelf-2.example.org"):
        assert with_defaults(["--metrics", host, "base"]) == ["--metrics", host, "base"]
    (tmp_path / "cups.v2").write_bytes(b"a model")
    for model in ("base", "cups.tflite", "cups.v2", "models/cups.tflite"):
        assert with_defaults(["--metrics", model]) == ["--metrics", "127.0.0.1:9464", model]


def test_a_bad_bound_is_a_usage_error(video: Path) -> None:
    done = subprocess.run([*COMMAND, "--source", video, "--csv-mb", "0"], capture_output=True, text=True)
    assert done.returncode == EXIT_USAGE

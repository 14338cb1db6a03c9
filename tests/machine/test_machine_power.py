"""Power cuts."""

import json
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import parts
import pytest
import written
from program import Program

from fedge.commands.replay import replay
from machine import Machine

_CUTS = 20
_MOST_LOST = timedelta(seconds=5)
_TRIAL = Path(__file__).with_name("trial.sh")


@pytest.fixture
def trial_machine(product: Path, tmp_path: Path) -> Iterator[Machine]:
    """A machine that boots into trial.sh."""
    folder = tmp_path / "machine"
    folder.mkdir()
    for name in ("root.ext4", "data.ext4"):
        parts.copy_disk(product / name, folder)
    files = tmp_path / "files"
    (files / "local" / "sbin").mkdir(parents=True)
    shutil.copy(_TRIAL, files / "local" / "sbin" / "trial")
    parts.add_files(folder / "root.ext4", files)
    machine = Machine(folder, parts.kernel() / "linux")
    yield machine
    machine.cut_power()
    shutil.rmtree(tmp_path)


@pytest.mark.timeout(3600)
def test_twenty_cuts(trial_machine: Machine, tmp_path: Path) -> None:
    """20 power cuts at random moments: each output lacks at most the last 5 s, all is readable, the disks are sound"""
    machine, moments = trial_machine, random.Random(17)
    unsure, segments = 0, set[str]()
    for number in range(_CUTS):
        machine.start(f"trial={number}", "init=/bin/bash", "--", "/usr/local/sbin/trial")
        _wait_for_lines(machine, 1)
        sleep(moments.uniform(0.5, 9))
        lines = _serial_lines(machine)
        cut = datetime.now(UTC)
        machine.cut_power()
        machine.check_disks()
        data = tmp_path / f"data-{number}"
        machine.copy_data(data)
        due = {(line["frame"], line["time"]) for line in lines if _moment(line) < cut - _MOST_LOST}
        found = {
            "json": written.json_lines(data / f"{number}.jsonl"),
            "csv": written.csv_rows(data),
            "sqlite": written.database_rows(data),
            "recording": written.recorded_frames(data, segments),
        }
        lost = {name: len(due - keys) for name, keys in found.items() if due - keys}
        assert not lost, f"cut {number}, {len(lines)} lines, {len(due)} older than 5 s: {lost}"
        unsure = max(unsure, written.unsure_pictures(data))
        if number < _CUTS - 1:
            shutil.rmtree(data)
    assert unsure > 0
    report = replay(data / "recording", None)
    assert report.differing == 0
    assert len(report.lost) >= _CUTS, "the replay does not say of each run that it was cut off"


def _wait_for_lines(machine: Machine, count: int) -> None:
    machine.wait_outside(lambda: len(_serial_lines(machine)) >= count)


def _serial_lines(machine: Machine) -> list[dict[str, str]]:
    text = machine.serial.read_bytes() if machine.serial.exists() else b""
    return [json.loads(line) for line in text.split(b"\n")[:-1] if line.startswith(b"{")]


def _moment(line: dict[str, str]) -> datetime:
    return datetime.fromisoformat(line["time"])


def test_recording_cut_late(own_machine: Machine) -> None:
    """F1: of a recording cut after half a minute, what came before is replayed, and what is lost is counted"""
    _check_cut_recording(own_machine, frames=300)


def test_recording_cut_early(own_machine: Machine) -> None:
    """F2: of a recording cut after a few seconds, what is lost is counted"""
    _check_cut_recording(own_machine, frames=40)


def _check_cut_recording(machine: Machine, frames: int) -> None:
    program = Program(machine, "--camera --device 0 --record /data/recording")
    program.wait_for_frames(frames, seconds=180)
    lines = program.lines()
    machine.cut_power()
    machine.check_disks()
    machine.boot()
    done = machine.run("fedge replay /data/recording --json 2>/dev/null", "pi", 300)
    assert done.code == 3, f"exit code {done.code}: {done.output}"
    report = json.loads(done.output)
    early = [line for line in lines if _moment(line) < _moment(lines[-1]) - _MOST_LOST]
    assert report["differing"] == 0
    assert report["lost"] and report["frames"] >= len(early)


def test_service_cut(own_machine: Machine) -> None:
    """After a power cut the service runs by itself, its CSV file goes on, and no row of it is unreadable"""
    machine = own_machine
    machine.check("/home/pi/fedge/bin/fedge service install --user pi -- --camera --device 0 --csv /data/log.csv")
    machine.wait_for("[ $(wc -l < /data/log.csv) -gt 150 ]")
    rows = int(machine.check("wc -l < /data/log.csv"))
    machine.cut_power()
    machine.check_disks()
    machine.boot()
    machine.wait_for("systemctl is-active --quiet fedge && [ -s /data/log.csv ]", seconds=120)
    before = int(machine.check("wc -l < /data/log.csv"))
    machine.wait_for(f"[ $(wc -l < /data/log.csv) -gt {before + 20} ]")
    machine.check("systemctl stop fedge")
    text = machine.check("cat /data/log.csv")
    assert "\0" not in text
    header, *found = text.splitlines()
    assert {row.count(",") for row in found} == {header.count(",")}
    assert len(found) > rows - 150

"""`fedge bench`: percentiles of each stage, the sustained mode, and a Raspberry Pi's throttling flags."""

import dataclasses
import json
import stat
from pathlib import Path

import pytest
from running import finish

from fedge.model.file import pack, read, write
from fedge.system.machine import throttling


def vcgencmd(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    program = folder / "vcgencmd"
    program.write_text(f'#!/bin/sh\n[ "$1" = get_throttled ] && echo "{answer}"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


@pytest.mark.parametrize(
    ("answer", "flags"),
    [
        ("throttled=0x0", ()),
        ("throttled=0x1", ("under-voltage",)),
        ("throttled=0x50005", ("under-voltage", "throttled", "under-voltage has occurred", "throttling has occurred")),
        ("error=1", None),
    ],
)
def test_the_flags_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, flags: tuple[str, ...] | None
) -> None:
    vcgencmd(tmp_path, monkeypatch, answer)
    assert throttling() == flags


def test_without_the_program_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert throttling() is None


def test_the_report_has_every_stage_and_the_sustained_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vcgencmd(tmp_path, monkeypatch, "throttled=0x80008")
    code, out, _ = finish("bench", "--frames", 20, "--seconds", 0.5, "--json")
    assert code == 0
    report = json.loads(out)
    assert list(report["stages_ms"]) == ["decode", "preprocess", "cut_out", "invoke", "whole", "motion"]
    for row in report["stages_ms"].values():
        assert 0 < row["p50"] <= row["p95"] <= row["p99"]
    assert report["sustained"]["frames"] > 0
    assert report["sustained"]["throttling"] == ["soft temperature limit", "soft temperature limit has occurred"]
    assert report["rss_mb"] > 0


def test_a_model_that_cuts_nothing_out_has_no_such_stage(tmp_path: Path, model_path: Path) -> None:
    whole = tmp_path / "whole.tflite"
    model = read(model_path)
    recipe = dataclasses.replace(model.manifest.preprocessing, cut_out=None)
    manifest = dataclasses.replace(model.manifest, preprocessing=recipe)
    write(whole, pack(model.flatbuffer, manifest, model.labels, model.golden, model.card))
    code, out, err = finish("bench", whole, "--frames", 5, "--json")
    assert code == 0, err
    assert list(json.loads(out)["stages_ms"]) == ["decode", "preprocess", "invoke", "whole", "motion"]


def test_the_text_names_what_slows_the_machine_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vcgencmd(tmp_path, monkeypatch, "throttled=0x1")
    code, out, _ = finish("bench", "--frames", 5, "--seconds", 0.2)
    assert code == 0
    assert "under-voltage" in out

"""A recording on a disk that is full, slow or stuck, and within its limit."""

import json
import resource
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recordings_for_tests import FRAMES, kept_lines, pipes_for_pictures, record, recorder_and_result
from waiting import PATIENCE_SECONDS, once_main_thread_is_in

from fedge.commands.replay import replay
from fedge.model.classifier import Classifier
from fedge.runner.health import OutputStatus
from fedge.runner.segments import LINES, segments


def test_the_folder_is_bounded_and_the_oldest_goes_first(
    classifier: Classifier, model_path: Path, tmp_path: Path
) -> None:
    limit = 400_000
    record(classifier, model_path, tmp_path, limit)
    total = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    # One segment's facts are written before they are counted.
    assert limit / 2 < total <= limit + 4096
    report = replay(tmp_path, None)
    assert len(segments(tmp_path)) > 2
    assert 0 < report.frames < FRAMES
    assert report.differing == 0
    # The newest segment may have been begun and not been written to.
    lines = [line for segment in segments(tmp_path) for line in (segment / LINES).read_text().splitlines()]
    assert json.loads(lines[-1])["frame"] == FRAMES - 1


def test_a_picture_larger_than_the_limit_is_left_out_and_that_is_said_once(
    classifier: Classifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder, result, health = recorder_and_result(classifier, tmp_path, limit_bytes=100_000)
    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    for number, picture in enumerate([noise[:50, :50], noise, noise, noise, noise[:50, :50]]):
        recorder.keep(replace(result, number=number, frame=replace(result.frame, picture=picture)), dict)
    recorder.close()
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 100_000
    # What is as small as before is kept as before: the large ones drive nothing out.
    assert [line["picture"] is not None for line in kept_lines(tmp_path)] == [True, False, False, False, True]
    assert health.snapshot().outputs == {"recording": OutputStatus("ok")}
    assert capsys.readouterr().err.count("leaves out pictures that its limit has no room for") == 1


def test_pictures_that_wait_do_not_break_the_limit_either(classifier: Classifier, tmp_path: Path) -> None:
    # Room for two of these, of 120,000 bytes each, and not for three.
    recorder, result, _ = recorder_and_result(classifier, tmp_path, limit_bytes=300_000)
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    (pipe,) = pipes_for_pictures(tmp_path, 1)
    for number in range(8):
        recorder.keep(replace(result, number=number, frame=replace(result.frame, picture=noise)), dict)
    pipe.read_bytes()
    recorder.close()
    assert [line["picture"] is not None for line in kept_lines(tmp_path)] == [True] * 2 + [False] * 6


def test_an_older_recording_in_the_folder_is_kept_and_bounded(
    classifier: Classifier, model_path: Path, recording: Path
) -> None:
    record(classifier, model_path, recording)
    assert replay(recording, None).frames == 2 * FRAMES
    record(classifier, model_path, recording, 300_000)
    assert sum(path.stat().st_size for path in recording.rglob("*") if path.is_file()) <= 300_000 + 4096


@pytest.fixture
def small_files() -> Iterator[Callable[[int | None], None]]:
    """Sets how large a file may get: the system refuses to write more, as it does where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int | None) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before if size is None else (size, before[1]))

    yield limit
    limit(None)


def test_a_full_disk_is_counted_and_said_and_does_not_stop_the_loop(
    classifier: Classifier,
    model_path: Path,
    tmp_path: Path,
    small_files: Callable[[int | None], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def before_each(number: int) -> None:
        if number in (20, 40):
            small_files(5000 if number == 20 else None)

    results, health = record(
        classifier, model_path, tmp_path, frames=200, before_each=before_each, retry_seconds=(0, 0)
    )
    assert len(results) == 200
    # It goes on when there is room again, and what was kept is whole.
    report = replay(tmp_path, None)
    assert 20 <= report.frames < 200
    status = health.snapshot().outputs["recording"]
    assert (status.state, status.dropped) == ("ok", 200 - report.frames)
    told = capsys.readouterr().err
    assert "the output recording fails (" in told and "the output recording works again" in told
    assert report.differing == 0


@pytest.mark.parametrize("size", [10, 5000])
def test_a_disk_that_stays_full_leaves_no_empty_segments(
    classifier: Classifier,
    model_path: Path,
    tmp_path: Path,
    small_files: Callable[[int | None], None],
    size: int,
) -> None:
    # Of a new segment, 5000 bytes hold what is written first, and no picture; 10 bytes hold nothing.
    _, health = record(
        classifier,
        model_path,
        tmp_path,
        before_each=lambda number: small_files(size) if number == 20 else None,
        retry_seconds=(0, 0),
    )
    small_files(None)
    status = health.snapshot().outputs["recording"]
    assert status.failing and status.dropped > 0
    assert [path.name for path in segments(tmp_path)] == ["segment-000001"]
    assert replay(tmp_path, None).differing == 0


def test_closing_waits_for_a_slow_disk_where_the_source_waits_too(classifier: Classifier, tmp_path: Path) -> None:
    # Where the source does not wait, the end would not either.
    recorder, result, health = recorder_and_result(classifier, tmp_path, close_seconds=0, stuck_seconds=1e9)
    pipes = pipes_for_pictures(tmp_path, 8)
    for number in range(8):
        recorder.keep(replace(result, number=number), dict)
    with once_main_thread_is_in("close", lambda: [pipe.read_bytes() for pipe in pipes]):
        recorder.close()
    lines = kept_lines(tmp_path)
    assert [line["frame"] for line in lines] == list(range(8))
    assert health.snapshot().outputs["recording"] == OutputStatus("ok")


def test_frames_that_a_stuck_disk_does_not_take_are_said(
    classifier: Classifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder, result, health = recorder_and_result(classifier, tmp_path, stuck_seconds=0.2)
    (pipe,) = pipes_for_pictures(tmp_path, 1)
    for number in range(5):
        recorder.keep(replace(result, number=number), dict)
    recorder.close()
    assert health.snapshot().outputs["recording"].dropped == 5
    assert capsys.readouterr().err == "fedge: the output recording ends, 5 results dropped\n"
    # The thread that writes would hang beyond the test.
    pipe.read_bytes()


def test_a_slow_disk_costs_pictures_before_it_costs_lines(classifier: Classifier, tmp_path: Path) -> None:
    recorder, result, _ = recorder_and_result(classifier, tmp_path, wait=False, close_seconds=PATIENCE_SECONDS)
    (pipe,) = pipes_for_pictures(tmp_path, 1)
    # The disk takes nothing until all are given: as many pictures wait as may, and all lines.
    for number in range(300):
        recorder.keep(replace(result, number=number), dict)
    pipe.read_bytes()
    recorder.close()
    lines = kept_lines(tmp_path)
    assert [line["frame"] for line in lines] == list(range(300))
    assert [line["picture"] is not None for line in lines] == [True] * 8 + [False] * 292

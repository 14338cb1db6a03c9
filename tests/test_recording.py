"""Recording and replaying: the same answers and decisions, and where they differ; a full disk; a bounded folder."""

import json
import math
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import cv2
import numpy as np
import pytest

from fedge.classifier import Classifier, load
from fedge.decisions import Decider
from fedge.errors import DataError, ReplayDiffers, SourceError
from fedge.health import Health
from fedge.manifest import MAX_LOGIT_TOLERANCE, SelfTestFacts
from fedge.options import DEFAULT_REJECT, REJECT_MODES, RejectMode
from fedge.recording import FACTS, LINES, Recorder, recorded, segments
from fedge.rejection import certainty
from fedge.replay import describe_replay, replay, require_same, score_tolerance
from fedge.runner import Result, classify_frames
from fedge.sources.memory import InMemoryCamera
from pictures_for_tests import garment, scene
from waiting import eventually

FRAMES = 60
LARGE = 10**9


@pytest.fixture(scope="module")
def classifier(model_path: Path) -> Classifier:
    return load(model_path)


def record(
    classifier: Classifier,
    model_path: Path,
    folder: Path,
    limit_bytes: int = LARGE,
    frames: int = FRAMES,
    before_each: Callable[[int], None] = lambda number: None,
) -> tuple[list[Result], Health]:
    """Records frames that show two things in turn, ten of each, so that the decision changes."""
    pictures = [garment(i // 10 % 2 == 0, i, 160, 120) for i in range(frames)]
    health, decider = Health(), Decider(classifier.labels, 0.005, 0.3, 0.2)
    facts = {
        "model": str(model_path),
        "network": classifier.model.manifest.flatbuffer.sha256,
        "reject": classifier.reject,
        "decisions": decider.options(),
    }
    recorder = Recorder(folder, limit_bytes, facts, decider.state(), health, wait=True)
    results = recorded(classify_frames(classifier, InMemoryCamera(pictures, 0.001), decider, health), recorder, decider)
    kept = []
    for item in results:
        if isinstance(item, Result):
            before_each(item.number)
            kept.append(item)
    recorder.close()
    return kept, health


def recorder_and_result(
    classifier: Classifier, folder: Path, limit_bytes: int = LARGE, wait: bool = True
) -> tuple[Recorder, Result, Health]:
    """A recorder that has begun, and something to give it."""
    health, decider = Health(), Decider(classifier.labels)
    recorder = Recorder(folder, limit_bytes, {}, decider.state(), health, wait)
    eventually(lambda: list(folder.glob(f"*/{LINES}")))
    item = next(classify_frames(classifier, InMemoryCamera([scene(0)]), decider, health))
    assert isinstance(item, Result)
    return recorder, item, health


def kept_lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for part in segments(folder) for line in (part / LINES).read_text().splitlines()]


def pipes_for_pictures(folder: Path, count: int) -> list[Path]:
    """Pipes where the first pictures will be written, each of which takes nothing until it is read."""
    pipes = [segments(folder)[0] / f"{number:08}.png" for number in range(count)]
    for pipe in pipes:
        os.mkfifo(pipe)
    return pipes


@pytest.fixture
def recording(classifier: Classifier, model_path: Path, tmp_path: Path) -> Path:
    record(classifier, model_path, tmp_path / "kept")
    return tmp_path / "kept"


def edit_line(recording: Path, number: int, **changes: object) -> None:
    path = segments(recording)[0] / LINES
    lines = path.read_text().splitlines()
    lines[number] = json.dumps(json.loads(lines[number]) | changes)
    path.write_text("\n".join(lines) + "\n")


def test_a_replay_gives_the_same_answers_and_decisions(
    classifier: Classifier, model_path: Path, tmp_path: Path
) -> None:
    results, _ = record(classifier, model_path, tmp_path)
    report = replay(tmp_path, None)
    require_same(report)
    assert report["frames"] == report["pictures"] == FRAMES
    assert report["differing"] == 0
    assert report["same_model"]
    # The recorded score is rounded to six digits, and so is the replayed one, of the same bytes on the same machine.
    assert report["max_score_difference"] == 0
    # A recording in which nothing is ever decided would prove nothing.
    assert sum(result.decision.changed for result in results) >= 3


@pytest.mark.parametrize("mode", REJECT_MODES)
def test_the_mode_of_refusing_is_recorded(
    model_path: Path, classifier: Classifier, tmp_path: Path, mode: RejectMode
) -> None:
    classifier.reject = mode
    record(classifier, model_path, tmp_path)
    classifier.reject = DEFAULT_REJECT
    (segment,) = segments(tmp_path)
    lines = [json.loads(line) for line in (segment / LINES).read_text().splitlines()]
    threshold = classifier.model.manifest.confidence.threshold(mode)
    refused = [line["label"] is None for line in lines]
    assert refused == [line["score"] < threshold for line in lines]
    # Neither of the two things that are shown is a garment: the strict mode refuses one of them at least.
    assert mode != "strict" or any(refused)
    assert replay(tmp_path, None)["differing"] == 0
    facts = json.loads((segment / FACTS).read_text())
    assert facts["reject"] == mode
    # Told of another mode, a replay must notice each picture that only one of the two refuses.
    other: RejectMode = "off" if any(refused) else "strict"
    threshold = classifier.model.manifest.confidence.threshold(other)
    differing = sum((line["score"] < threshold) != was for line, was in zip(lines, refused, strict=True))
    (segment / FACTS).write_text(json.dumps(facts | {"reject": other}))
    assert replay(tmp_path, None)["differing"] >= differing > 0
    (segment / FACTS).write_text(json.dumps(facts | {"reject": "perhaps"}))
    with pytest.raises(DataError):
        replay(tmp_path, None)


@pytest.mark.parametrize("unknown", [None, 0.0])
@pytest.mark.parametrize("steps", [1, 4, MAX_LOGIT_TOLERANCE])
def test_scores_may_differ_by_what_the_self_test_lets_logits_differ(
    model_path: Path, unknown: float | None, steps: int
) -> None:
    classifier = load(model_path)
    manifest = classifier.model.manifest
    classifier.model = replace(
        classifier.model,
        manifest=replace(
            manifest,
            confidence=replace(manifest.confidence, unknown=unknown),
            self_test=SelfTestFacts(logit_tolerance=steps),
        ),
    )
    generator = np.random.default_rng(0)
    logits = generator.integers(-100, 101, (10_000, len(classifier.labels)))
    moves = generator.choice([-steps, steps], logits.shape)
    # The worst that can happen: one class goes up, all others down, and the log-odds of that one go from -d to d.
    step = manifest.output.scale / manifest.confidence.temperature
    logits[0], logits[0, 0] = 60, 60 + round(math.log(logits.shape[1] - 1) / step) - steps
    moves[0], moves[0, 0] = -steps, steps
    before, after = (certainty(classifier.probabilities(x.astype(np.int8))) for x in (logits, logits + moves))
    most, allowed = np.abs(after - before).max(), score_tolerance(classifier)
    # A start that is off by half a step, and what "none of these" takes of so large logits, cost a hundredth at most.
    assert 0.99 * allowed < most <= allowed


def test_scores_that_differ_by_no_more_are_the_same_in_a_replay(classifier: Classifier, recording: Path) -> None:
    score = json.loads((segments(recording)[0] / LINES).read_text().splitlines()[7])["score"]
    edit_line(recording, 7, score=score - 0.99 * score_tolerance(classifier))
    require_same(replay(recording, None))
    edit_line(recording, 7, score=score - 1.01 * score_tolerance(classifier))
    with pytest.raises(ReplayDiffers):
        require_same(replay(recording, None))


def test_what_is_kept_is_what_the_classifier_saw(recording: Path) -> None:
    for number in (0, FRAMES - 1):
        kept = cv2.imread(str(segments(recording)[0] / f"{number:08}.png"))
        assert np.array_equal(kept, garment(number // 10 % 2 == 0, number, 160, 120))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"label": "Kite"}, "label"),
        ({"decision": "Kite"}, "decision"),
        ({"changed": None}, "changed"),
        ({"score": 9.0}, "score"),
    ],
)
def test_a_difference_is_found_and_named(recording: Path, changes: dict[str, object], field: str) -> None:
    edit_line(recording, 7, **changes)
    report = replay(recording, None)
    assert report["differing"] == 1
    assert report["differences"][0]["frame"] == 7
    assert report["differences"][0]["field"] == field
    assert f"frame 7: {field} was" in describe_replay(report)
    with pytest.raises(ReplayDiffers):
        require_same(report)


def test_another_picture_gives_another_answer(recording: Path) -> None:
    segment = segments(recording)[0]
    cv2.imwrite(str(segment / "00000003.png"), garment(False, 3, 160, 120))
    assert replay(recording, None)["differing"] >= 1


def test_a_frame_without_its_picture_still_counts_for_the_decision(recording: Path) -> None:
    for number in range(5, 25):
        edit_line(recording, number, picture=None)
    report = replay(recording, None)
    assert report["pictures"] == FRAMES - 20
    assert report["differing"] == 0


def test_a_half_written_last_line_is_left_out(recording: Path) -> None:
    path = segments(recording)[0] / LINES
    path.write_bytes(path.read_bytes()[:-20])
    report = replay(recording, None)
    assert report["frames"] == FRAMES - 1
    assert report["differing"] == 0


def test_a_last_line_that_ends_within_a_character_is_left_out(recording: Path) -> None:
    with (segments(recording)[0] / LINES).open("ab") as lines:
        lines.write('{"source": "Ä'.encode()[:-1])
    report = replay(recording, None)
    assert report["frames"] == FRAMES
    assert report["differing"] == 0


@pytest.mark.parametrize("name", [FACTS, LINES])
def test_a_segment_that_was_only_begun_is_skipped(
    classifier: Classifier, model_path: Path, recording: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    record(classifier, model_path, recording)
    (segments(recording)[0] / name).unlink()
    report = replay(recording, None)
    assert report["frames"] == FRAMES
    assert report["differing"] == 0
    assert capsys.readouterr().err == f"fedge: skipped: {segments(recording)[0]} has no {name}\n"


def test_a_source_whose_name_is_not_utf_8_is_recorded(classifier: Classifier, model_path: Path, tmp_path: Path) -> None:
    recorder, result, _ = recorder_and_result(classifier, tmp_path)
    name = os.fsdecode(b"\xff.png")
    recorder.keep(replace(result, frame=replace(result.frame, source=name)), dict)
    recorder.close()
    (line,) = kept_lines(tmp_path)
    assert line["source"] == name


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
    assert 0 < report["frames"] < FRAMES
    assert report["differing"] == 0
    # The newest segment may have been begun and not been written to.
    lines = [line for segment in segments(tmp_path) for line in (segment / LINES).read_text().splitlines()]
    assert json.loads(lines[-1])["frame"] == FRAMES - 1


def test_a_picture_larger_than_the_limit_is_left_out_and_that_is_said_once(
    classifier: Classifier, tmp_path: Path
) -> None:
    recorder, result, health = recorder_and_result(classifier, tmp_path, limit_bytes=100_000)
    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    for number, picture in enumerate([noise[:50, :50], noise, noise, noise, noise[:50, :50]]):
        recorder.keep(replace(result, number=number, frame=replace(result.frame, picture=picture)), dict)
    recorder.close()
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 100_000
    # What is as small as before is kept as before: the large ones drive nothing out.
    assert [line["picture"] is not None for line in kept_lines(tmp_path)] == [True, False, False, False, True]
    assert health.snapshot().faults == {"recording": 1}


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
    assert replay(recording, None)["frames"] == 2 * FRAMES
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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fedge.recording._RETRY_SECONDS", 0.0)

    def before_each(number: int) -> None:
        if number in (20, 40):
            small_files(5000 if number == 20 else None)

    results, health = record(classifier, model_path, tmp_path, frames=200, before_each=before_each)
    assert len(results) == 200
    snapshot = health.snapshot()
    assert snapshot.faults["recording"] >= 1
    assert "cannot record" in snapshot.message
    # It goes on when there is room again, and what was kept is whole.
    assert snapshot.outputs["recording"] == "ok"
    report = replay(tmp_path, None)
    assert 20 <= report["frames"] < 200
    assert report["differing"] == 0


@pytest.mark.parametrize("size", [10, 5000])
def test_a_disk_that_stays_full_leaves_no_empty_segments(
    classifier: Classifier,
    model_path: Path,
    tmp_path: Path,
    small_files: Callable[[int | None], None],
    monkeypatch: pytest.MonkeyPatch,
    size: int,
) -> None:
    # Of a new segment, 5000 bytes hold what is written first, and no picture; 10 bytes hold nothing.
    monkeypatch.setattr("fedge.recording._RETRY_SECONDS", 0.0)
    _, health = record(
        classifier, model_path, tmp_path, before_each=lambda number: small_files(size) if number == 20 else None
    )
    small_files(None)
    # It was tried again, and again.
    assert health.snapshot().faults["recording"] >= 3
    assert len(segments(tmp_path)) == 1
    assert replay(tmp_path, None)["differing"] == 0


def test_a_folder_that_cannot_be_made_is_an_error(classifier: Classifier, model_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError):
        record(classifier, model_path, tmp_path / "file" / "folder")


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError, match="no recording"):
            replay(folder, None)


@pytest.mark.parametrize(
    "content",
    ["", "5", "[]", "{}", '{"model": "base", "network": "", "reject": "off", "decisions": {}, "state": {}}'],
)
def test_a_damaged_recording_is_refused(recording: Path, content: str) -> None:
    (segments(recording)[0] / FACTS).write_text(content)
    with pytest.raises(DataError):
        replay(recording, "base")


def test_a_missing_picture_is_an_error(recording: Path) -> None:
    (segments(recording)[0] / "00000003.png").unlink()
    with pytest.raises(DataError, match="cannot be decoded"):
        replay(recording, None)


def test_a_recording_can_be_moved(recording: Path, tmp_path: Path) -> None:
    shutil.move(recording, tmp_path / "elsewhere")
    assert replay(tmp_path / "elsewhere", None)["differing"] == 0


def test_closing_waits_for_a_slow_disk_where_the_source_waits_too(classifier: Classifier, tmp_path: Path) -> None:
    recorder, result, health = recorder_and_result(classifier, tmp_path)
    pipes = pipes_for_pictures(tmp_path, 8)

    def read_slowly() -> None:
        for pipe in pipes:
            sleep(0.25)
            pipe.read_bytes()

    reader = Thread(target=read_slowly, daemon=True)
    reader.start()
    for number in range(8):
        recorder.keep(replace(result, number=number), dict)
    recorder.close()
    lines = kept_lines(tmp_path)
    reader.join()
    assert [line["frame"] for line in lines] == list(range(8))
    assert health.snapshot().faults == {}


def test_frames_that_a_stuck_disk_does_not_take_are_said(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedge.recording._STUCK_SECONDS", 0.2)
    recorder, result, health = recorder_and_result(classifier, tmp_path)
    (pipe,) = pipes_for_pictures(tmp_path, 1)
    for number in range(5):
        recorder.keep(replace(result, number=number), dict)
    recorder.close()
    snapshot = health.snapshot()
    assert snapshot.faults == {"recording": 1}
    assert "5 frames were not recorded" in snapshot.message
    # The thread that writes would hang beyond the test.
    pipe.read_bytes()


def test_a_slow_disk_costs_pictures_before_it_costs_lines(classifier: Classifier, tmp_path: Path) -> None:
    recorder, result, _ = recorder_and_result(classifier, tmp_path, wait=False)
    for number in range(300):
        recorder.keep(replace(result, number=number), dict)
    recorder.close()
    lines = kept_lines(tmp_path)
    assert [line["frame"] for line in lines] == list(range(300))
    assert 0 < sum(line["picture"] is not None for line in lines) < 300

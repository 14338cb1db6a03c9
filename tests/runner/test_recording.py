"""Recording and replaying: the same answers and decisions, and where they differ."""

import json
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures_for_tests import garment
from recordings_for_tests import FRAMES, kept_lines, record, recorder_and_result

from fedge.commands.replay import ReplayReport, as_text, replay, require_same, score_tolerance
from fedge.errors import DataError, RecordingIncomplete, ReplayDiffers, SourceError
from fedge.model.classifier import Classifier, load
from fedge.model.confidence import certainty
from fedge.model.manifest import MAX_LOGIT_TOLERANCE, SelfTestFacts
from fedge.options import DEFAULT_REJECT, REJECT_MODES, RejectMode
from fedge.runner.segments import END, FACTS, LINES, segments


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
    assert report.frames == report.pictures == FRAMES
    assert report.differing == 0
    assert report.same_model
    # The recorded score is rounded to six digits, and so is the replayed one, of the same bytes on the same machine.
    assert report.max_score_difference == 0
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
    assert replay(tmp_path, None).differing == 0
    facts = json.loads((segment / FACTS).read_text())
    assert facts["reject"] == mode
    # Told of another mode, a replay must notice each picture that only one of the two refuses.
    other: RejectMode = "off" if any(refused) else "strict"
    threshold = classifier.model.manifest.confidence.threshold(other)
    differing = sum((line["score"] < threshold) != was for line, was in zip(lines, refused, strict=True))
    (segment / FACTS).write_text(json.dumps(facts | {"reject": other}))
    assert replay(tmp_path, None).differing >= differing > 0
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
    assert report.differing == 1
    assert report.differences[0].frame == 7
    assert report.differences[0].field == field
    assert f"frame 7: {field} was" in as_text(report)
    with pytest.raises(ReplayDiffers):
        require_same(report)


def test_another_picture_gives_another_answer(recording: Path) -> None:
    segment = segments(recording)[0]
    cv2.imwrite(str(segment / "00000003.png"), garment(False, 3, 160, 120))
    assert replay(recording, None).differing >= 1


def test_a_frame_without_its_picture_still_counts_for_the_decision(recording: Path) -> None:
    for number in range(5, 25):
        edit_line(recording, number, picture=None)
    report = replay(recording, None)
    assert report.pictures == FRAMES - 20
    assert report.differing == 0


def power_cut(segment: Path) -> Path:
    """Takes the segment's end, as where the power fails before it is written; gives the file of its lines."""
    (segment / END).unlink()
    return segment / LINES


def incomplete(recording: Path, **expected: int) -> ReplayReport:
    """The report of a replay that gives the same answers, names this loss only, and is refused for it."""
    report = replay(recording, None)
    assert report.differing == 0
    (lost,) = report.lost
    assert {name: getattr(lost, name) for name in expected} == expected
    assert f"{lost.segment} lacks {lost.lines} frames and {lost.pictures} pictures" in as_text(report)
    with pytest.raises(RecordingIncomplete):
        require_same(report)
    return report


def test_a_half_written_last_line_is_left_out_and_said(recording: Path) -> None:
    path = power_cut(segments(recording)[0])
    path.write_bytes(path.read_bytes()[:-20])
    assert incomplete(recording, lines=1, pictures=1, cut_off=True).frames == FRAMES - 1


def test_a_last_line_that_ends_within_a_character_is_left_out(recording: Path) -> None:
    with power_cut(segments(recording)[0]).open("ab") as lines:
        lines.write('{"source": "Ä'.encode()[:-1])
    assert incomplete(recording, lines=1, pictures=0, cut_off=True).frames == FRAMES


@pytest.mark.parametrize("zeros", [1, 100_000])
def test_lines_that_became_zeros_are_left_out_and_said(recording: Path, zeros: int) -> None:
    path = power_cut(segments(recording)[0])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:40]) + b"\0" * zeros + b"".join(lines[50:]))
    assert incomplete(recording, lines=FRAMES - 40, pictures=FRAMES - 40, cut_off=True).frames == 40


def test_pictures_that_are_empty_or_gone_are_counted_and_the_rest_is_replayed(recording: Path) -> None:
    segment = segments(recording)[0]
    power_cut(segment)
    for number in range(50, FRAMES):
        (segment / f"{number:08}.png").write_bytes(b"")
    (segment / "00000003.png").unlink()
    report = incomplete(recording, lines=0, pictures=FRAMES - 50 + 1, cut_off=True)
    assert (report.frames, report.pictures) == (FRAMES, 49)


def test_an_end_that_counts_more_than_is_there_is_said(recording: Path) -> None:
    path = segments(recording)[0] / LINES
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-3]))
    assert incomplete(recording, lines=3, pictures=3, cut_off=False).frames == FRAMES - 3


def test_a_recording_that_has_no_end_is_incomplete_although_nothing_is_known_to_be_lost(recording: Path) -> None:
    power_cut(segments(recording)[0])
    incomplete(recording, lines=0, pictures=0, cut_off=True)


def test_a_recording_of_a_version_that_wrote_no_end_is_whole(recording: Path) -> None:
    segment = segments(recording)[0]
    power_cut(segment)
    facts = json.loads((segment / FACTS).read_text())
    del facts["has_end"]
    (segment / FACTS).write_text(json.dumps(facts))
    require_same(replay(recording, None))


@pytest.mark.parametrize("name", [FACTS, LINES])
def test_a_segment_that_was_only_begun_is_said_and_the_others_are_replayed(
    classifier: Classifier, model_path: Path, recording: Path, name: str
) -> None:
    record(classifier, model_path, recording)
    power_cut(segments(recording)[0])
    (segments(recording)[0] / name).unlink()
    assert incomplete(recording, lines=FRAMES, pictures=FRAMES, cut_off=True).frames == FRAMES


def test_a_source_whose_name_is_not_utf_8_is_recorded(classifier: Classifier, model_path: Path, tmp_path: Path) -> None:
    recorder, result, _ = recorder_and_result(classifier, tmp_path)
    name = os.fsdecode(b"\xff.png")
    recorder.keep(replace(result, frame=replace(result.frame, source=name)), dict)
    recorder.close()
    (line,) = kept_lines(tmp_path)
    assert line["source"] == name


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


def test_a_recording_can_be_moved(recording: Path, tmp_path: Path) -> None:
    shutil.move(recording, tmp_path / "elsewhere")
    assert replay(tmp_path / "elsewhere", None).differing == 0

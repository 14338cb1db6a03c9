"""What a run begins and ends with at a terminal."""

from dataclasses import replace

import pytest
from results import result, snapshot

from fedge.images.preprocess import Recipe
from fedge.outputs.screen.summary import Summary, opening

LABELS = tuple(f"class number {i}" for i in range(30))


@pytest.mark.parametrize("columns", [80, 120])
def test_a_run_begins_with_model_classes_input_source_and_how_to_stop_it(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = opening("cups", LABELS, Recipe(64, 48), "camera 0", live=True)
    assert lines[0].startswith("cups knows 30 classes: class number 0, class number 1") and lines[0].endswith("...")
    assert lines[1] == "it sees the whole picture, 48x64 gray"
    assert lines[2] == "from camera 0; Ctrl-C stops it"
    assert all(len(f"fedge: {line}") < columns for line in lines)
    assert "ends with the last picture" in opening("cups", LABELS, Recipe(64, 48), "a.jpg", live=False)[2]


def test_a_run_ends_with_frames_rate_answers_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    output = Summary()
    for label in ("Bag", "Bag", None):
        output.show(result(0, label))
    output.health(replace(snapshot("stopped", "gone"), frames=3, uptime_s=1.5))
    output.close()
    assert capsys.readouterr().err.splitlines() == [
        "fedge: 3 frames in 1.5 s, 2.0 a second",
        "fedge: answers: Bag 2, unknown 1",
        "fedge: faults: stall 2; frames came again 1 times",
    ]

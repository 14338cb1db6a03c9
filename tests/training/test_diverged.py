"""Numbers that are none go no further: training stops, and what learned nothing is refused in words."""

from pathlib import Path

import numpy as np
import pytest
from support import fedge, one_line_error, write_class_folders

from fedge.errors import RunError
from fedge_train.runs.run_folder import require_learned

LOGITS = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)


@pytest.mark.parametrize("spoiled", [np.nan, np.inf, -np.inf, 1e9])
def test_logits_that_are_no_numbers_are_refused(spoiled: float) -> None:
    require_learned(Path("run"), LOGITS)
    logits = LOGITS.copy()
    logits[0, 1] = spoiled
    with pytest.raises(RunError, match="diverged"):
        require_learned(Path("run"), logits)


def test_one_answer_to_everything_is_refused() -> None:
    with pytest.raises(RunError, match="learned nothing"):
        require_learned(Path("run"), np.tile(LOGITS[:1], (5, 1)))


def test_a_training_that_diverges_stops_with_one_line(tmp_path: Path) -> None:
    data = write_class_folders(tmp_path / "data", ["Bag", "Sneaker", "Trouser"], 30)
    options = ("--size", 16, "--arch", "nano", "--epochs", 3, "--learning-rate", 1e38, "--out", tmp_path / "run")
    done = fedge("train", "--data", data, *options)
    assert done.code == 1 and "diverged" in done.err.splitlines()[-1] and "--learning-rate" in done.err.splitlines()[-1]
    unfinished = fedge("quantize", tmp_path / "run")
    assert unfinished.code == 1 and "--resume" in one_line_error(unfinished)

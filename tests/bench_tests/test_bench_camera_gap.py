"""The script that measures the gap between the data set and a camera, on pictures whose answers are known."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import write_class_folders

SCRIPT = Path(__file__).parents[1] / "bench" / "camera_gap.py"


@pytest.mark.parametrize(("right", "shares"), [(["Trouser"], (1.0, 1.0)), (["Bag"], (0.0, 0.0))])
def test_each_row_counts_what_the_map_calls_right(
    model_path: Path, tmp_path: Path, right: list[str], shares: tuple[float, float]
) -> None:
    # Trousers of the data set itself, on black: what the base model was trained for.
    photographs = write_class_folders(tmp_path / "photographs", ["Trouser"], 6)
    classes = tmp_path / "classes.json"
    classes.write_text(json.dumps({"Trouser": right}))
    command = [sys.executable, SCRIPT, photographs, "--map", classes, model_path, "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    rows = report["models"][str(model_path)]
    assert report["photographs"] == 6 and list(rows)[:2] == ["as shipped", "gray + resize"]
    assert (rows["as shipped"]["all"], rows["dark background"]["Trouser"]) == shares
    assert rows["as shipped"].keys() == {"all", "Trouser", "unknown"}
    assert report["milliseconds"].keys() == rows.keys() - {"as shipped"}

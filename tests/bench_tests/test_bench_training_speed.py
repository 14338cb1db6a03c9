"""The script that times fedge's training loop against plain Keras; how fast either is, is not tested."""

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "bench" / "training_speed.py"


def test_it_times_both_and_judges_only_bfloat16() -> None:
    options = ("--arch", "nano", "--steps", "2", "--turn", "1", "--dtype", "float32")
    done = subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    chosen = re.search(r"fedge train chooses (\w+): this machine has (no )?units", done.stdout)
    assert chosen is not None and (chosen[1] == "float32") == (chosen[2] is not None)
    rates = [float(rate) for rate in re.findall(r"ms a step +([0-9.]+) epochs a minute", done.stdout)]
    assert len(rates) == 2 and min(rates) > 0
    assert "nothing is judged here" in done.stdout

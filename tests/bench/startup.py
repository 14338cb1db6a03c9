"""From start to the first answer of `fedge run --source picture.png` over a bare `import tensorflow`: at most 0.6.

python tests/bench/startup.py [--rounds 5]
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import cv2
from bench_common import verdict
from pictures_for_tests import scene

from fedge.model.shipped import find_model

LIMIT = 0.6


def seconds(*command: object) -> float:
    began = perf_counter()
    subprocess.run([sys.executable, *map(str, command)], check=True, capture_output=True)
    return perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        picture, foreign = Path(folder) / "picture.png", Path(folder) / "model.tflite"
        cv2.imwrite(str(picture), scene(0))
        # A model that did not come with the package is first loaded in a process of its own.
        shutil.copy(find_model(None), foreign)
        commands: dict[str, tuple[object, ...]] = {
            "import tensorflow": ("-c", "import tensorflow"),
            "fedge run, shipped model": ("-m", "fedge", "run", "--source", picture),
            "fedge run, model file": ("-m", "fedge", "run", foreign, "--source", picture),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        # The first round only fills the system's cache of files.
        for number in range(rounds + 1):
            for name, command in commands.items():
                taken = seconds(*command)
                if number:
                    times[name].append(taken)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name}: {median:.2f} s")
    tensorflow = medians.pop("import tensorflow")
    # A list, so that each is printed.
    passed = [verdict(f"{name} / import", median / tensorflow, LIMIT, above=False) for name, median in medians.items()]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Memory of `fedge run` on an MJPEG stream: at most 80 MB, its slope within noise, threads and descriptors flat.

python tests/bench/memory.py [--minutes 0.5] [--fps 30] [-- OPTIONS OF fedge run]
"""

import argparse
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import numpy as np
from bench_common import stream_in_a_process, verdict

LIMIT_MB = 80.0
# The system counts whole pages in batches of up to 64 per thread: a growth below this cannot be seen.
NOISE_MB = 64 * 4096 * 8 / 1e6
WARM_UP_SHARE = 0.2


def sample(pid: int) -> tuple[float, int, int]:
    """Resident megabytes, threads, and open descriptors."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return int(status["VmRSS"].split()[0]) * 1024 / 1e6, int(status["Threads"]), descriptors


def slope(moments: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Megabytes an hour, and how far the truth may be from it (95%), from the means of ten stretches of time.

    Neighbouring samples are alike; the means of long stretches are nearly independent.
    """
    stretches = np.array_split(np.arange(len(moments)), 10)
    x = np.array([moments[part].mean() for part in stretches])
    y = np.array([values[part].mean() for part in stretches])
    x = x - x.mean()
    gradient = float(x @ y / (x @ x))
    left = y - y.mean() - gradient * x
    error = float(np.sqrt(left @ left / (len(x) - 2) / (x @ x)))
    # 2.31: Student's t for 8 degrees of freedom.
    return gradient * 3600, 2.31 * error * 3600


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("options", nargs="*")
    arguments = parser.parse_args()
    with stream_in_a_process(1 / arguments.fps) as url:
        command = [sys.executable, "-m", "fedge", "run", "--source", url, "--json", *arguments.options]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            sleep(3)
            began = monotonic()
            samples = []
            while monotonic() - began < arguments.minutes * 60:
                samples.append((monotonic() - began, *sample(process.pid)))
                sleep(min(1.0, arguments.minutes))
            process.terminate()
            code = process.wait(10)
    table = np.array(samples)[int(len(samples) * WARM_UP_SHARE) :]
    gradient, bound = slope(table[:, 0], table[:, 1])
    growth = gradient / 3600 * (table[-1, 0] - table[0, 0])
    print(f"resident: first {samples[0][1]:.1f}, last {samples[-1][1]:.1f} MB over {arguments.minutes:g} minutes")
    print(f"slope: {gradient:+.3f} MB an hour, bound +-{bound:.3f} (95%); grown in this time: {growth:+.3f} MB")
    passed = verdict("peak resident MB", float(table[:, 1].max()), LIMIT_MB, above=False)
    passed &= verdict("growth over noise, MB", growth, max(NOISE_MB, bound / gradient * growth), above=False)
    for column, name in ((2, "threads"), (3, "descriptors")):
        low, high = int(table[:, column].min()), int(table[:, column].max())
        print(f"{name}: {low} to {high}: {'flat' if low == high else 'NOT FLAT'}")
        passed &= low == high
    print(f"SIGTERM: exit code {code}")
    return 0 if passed and code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

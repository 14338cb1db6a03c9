"""What the runner's allocator does with freed pictures."""

import subprocess
import sys

SCRIPT = """
import sys
import numpy as np
from fedge.system.memory import return_freed_memory

def resident():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

if sys.argv[1] == "asked":
    return_freed_memory()
np.ones((640, 480, 3), np.uint8)
before = resident()
pictures = [np.ones((640, 480, 3), np.uint8) for _ in range(60)]
# What is still in use above freed memory keeps a heap from shrinking.
last = [bytes(1000) for _ in range(1000)], np.ones((640, 480, 3), np.uint8)
pictures.clear()
print(resident() - before)
"""


def kept(asked: str) -> int:
    """How many more bytes a process holds after 60 pictures of 0.9 MB each came and went."""
    return int(subprocess.run([sys.executable, "-c", SCRIPT, asked], check=True, capture_output=True).stdout)


def test_freed_pictures_are_given_back() -> None:
    # One picture and a megabyte of small things are still in use; the rest would be 55 MB.
    assert kept("asked") < 5_000_000 < 40_000_000 < kept("not asked")

"""The self-test of a model file in a process of its own: `python -P -m fedge.store.prove FILE`, one JSON object.

A network that ends its interpreter, or takes all memory, ends that process and not the runner beside it.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from fedge.errors import FedgeError
from fedge.evaluation.verification import verify_model

SECONDS = 120


@dataclass(frozen=True)
class Proof:
    """Whether a model gives its golden answers here; `reason` says why not, and is empty where it does."""

    passed: bool
    reason: str = ""


def prove(path: Path) -> Proof:
    """Reads, loads and self-tests the model file at `path`; never raises for what is wrong with it."""
    command = [sys.executable, "-P", "-m", "fedge.store.prove", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return Proof(False, f"it was not proved within {SECONDS} s")
    if done.returncode < 0:
        return Proof(False, f"its proof died of signal {-done.returncode}")
    try:
        return Proof(**json.loads(done.stdout))
    except (ValueError, TypeError):
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        return Proof(False, f"its proof failed ({lines[-1][:200]})")


def main() -> None:
    """Proves the file that is named by the first argument."""
    try:
        found = verify_model(sys.argv[1])
        proof = Proof(found.passed, found.reason or "")
    except FedgeError as error:
        proof = Proof(False, error.what)
    print(json.dumps(asdict(proof)))


if __name__ == "__main__":
    main()

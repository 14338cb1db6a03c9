"""Damaged model files through the path of `fedge verify`: none may end the process, surprise it, or pass as another.

python tests/bench/hostile.py [--files 20000] [--networks 200] [--seed 0]

`--files` are whole files with bytes changed, cut or doubled. `--networks` are changed networks with hashes that fit, as
somebody would make them who wants them to be run: these get as far as the interpreter.
"""

import argparse
import dataclasses
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import bench_common  # noqa: F401

from fedge.errors import FedgeError
from fedge.evaluation.verification import verify_model
from fedge.model import file as model_file
from fedge.model.shipped import find_model
from fedge.system.files import sha256
from fedge.system.progress import Progress

MODEL = "nano"


def mutate(data: bytes, generator: random.Random) -> bytes:
    """The bytes with one to eight of them changed, a part cut out, a part doubled, or the end cut off."""
    changed = bytearray(data)
    kind = generator.randrange(4)
    start = generator.randrange(len(changed))
    length = min(generator.choice((1, 4, 64, 4096)), len(changed) - start)
    if kind == 0:
        for _ in range(generator.randint(1, 8)):
            changed[generator.randrange(len(changed))] = generator.choice(
                (0, 1, 127, 128, 255, generator.randrange(256))
            )
    elif kind == 1:
        del changed[start : start + length]
    elif kind == 2:
        changed[start:start] = changed[start : start + length]
    else:
        del changed[start:]
    return bytes(changed)


def with_network(model: model_file.ModelFile, flatbuffer: bytes) -> bytes:
    """A model file with another network and a manifest that says so."""
    facts = dataclasses.replace(model.manifest.flatbuffer, bytes=len(flatbuffer), sha256=sha256(flatbuffer))
    manifest = dataclasses.replace(model.manifest, flatbuffer=facts)
    return model_file.pack(flatbuffer, manifest, model.labels, model.golden, model.card)


def judge(attempt: Callable[[], str]) -> str:
    """What became of an attempt: what it gives, `refused`, or `uncaught: ...`."""
    try:
        return attempt()
    except FedgeError:
        return "refused"
    except Exception as error:  # What is counted here is just what nobody expected.
        return f"uncaught: {type(error).__name__}: {error}"


def read_as(data: bytes, original: model_file.ModelFile) -> str:
    """`equal` where a file has the original's content, `passed` where it has another; raises FedgeError."""
    return "equal" if model_file.parse_bytes(data) == original else "passed"


def try_files(data: bytes, count: int, generator: random.Random) -> Counter[str]:
    """How `count` damaged files fared; one that passes with the same content in other bytes is `equal`."""
    original = model_file.parse_bytes(data)
    found: Counter[str] = Counter()
    with Progress("files", count) as progress:
        for number in range(count):
            damaged = mutate(data, generator)
            found[judge(partial(read_as, damaged, original))] += 1
            progress.reach(number + 1, "")
    return found


def try_networks(data: bytes, count: int, generator: random.Random) -> Counter[str]:
    """How `count` changed networks with fitting hashes fared before the golden vectors."""
    model = model_file.parse_bytes(data)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, Progress("networks", count) as progress:
        path = Path(folder) / "model.tflite"
        for number in range(count):
            path.write_bytes(with_network(model, mutate(model.flatbuffer, generator)))
            # Where the golden answers come all the same, the change is in what no answer depends on.
            found[judge(lambda: "same answers" if verify_model(str(path)).passed else "refused")] += 1
            progress.reach(number + 1, "")
    return found


def main() -> int:
    """Prints both tables; exit code 1 where something was uncaught or passed as another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    generator, data = random.Random(asked.seed), find_model(MODEL).read_bytes()
    bad = 0
    for name, found in (
        ("files", try_files(data, asked.files, generator)),
        ("networks", try_networks(data, asked.networks, generator)),
    ):
        print(f"{name}: " + ", ".join(f"{count:,} {what}" for what, count in sorted(found.items())))
        bad += sum(count for what, count in found.items() if what == "passed" or what.startswith("uncaught"))
    print(f"deaths of this process: 0, uncaught or wrongly accepted: {bad}: {'NO' if bad else 'yes'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""Damaged model files and metadata of releases: none may end the process, surprise it, or pass as another.

python tests/bench/hostile.py [--files 20000] [--networks 200] [--metadata 2000] [--seed 0]

`--files` are whole files with bytes changed, cut or doubled. `--networks` are changed networks with hashes that fit, as
somebody would make them who wants them to be run: these get as far as the interpreter. `--metadata` are releases of
which one file of TUF metadata has other bytes or other values; a device looks for updates in them.
"""

import argparse
import dataclasses
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import bench_common  # noqa: F401
from releases import Maker

from fedge.errors import FedgeError
from fedge.evaluation.verification import verify_model
from fedge.model import file as model_file
from fedge.model.shipped import find_model
from fedge.system.files import sha256
from fedge.system.progress import Progress
from fedge.updates.client import Client

MODEL = "nano"
# Values that no metadata should have where they come to stand.
ODD = (None, -1, 2**80, 1e308, "", "x" * 10_000, [], {}, True, "2000-01-01T00:00:00Z")


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


def change_value(data: bytes, generator: random.Random) -> bytes:
    """Metadata with one value, somewhere in it, replaced, doubled, wrapped very deeply or gone; as JSON again."""
    whole = json.loads(data)
    holder, key = generator.choice(list(_places(whole)))
    match generator.randrange(4):
        case 0:
            holder[key] = generator.choice(
                (None, -1, 2**80, 1e308, "", "x" * 10_000, [], {}, True, "2000-01-01T00:00:00Z")
            )
        case 1 if isinstance(holder, dict):
            del holder[key]
        case 2 if isinstance(holder, dict):
            holder[f"{key}x"] = holder[key]
        case _:
            # Deeper than Python's parsers recurse.
            nested = json.dumps(holder[key])
            holder[key] = "NESTED"
            return json.dumps(whole).replace('"NESTED"', "[" * 5000 + nested + "]" * 5000).encode()
    return json.dumps(whole).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each dictionary or list within a value, with each of its keys or indices."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def try_metadata(maker: Maker, count: int, generator: random.Random) -> Counter[str]:
    """How `count` releases with one changed file of metadata fared before a device that trusts their maker.

    `same releases` are those where the change is in what no signature covers, or in a file that is not asked for.
    """
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, Progress("metadata", count) as progress:
        right = Client(Path(folder) / "right", str(maker.repo), maker.root, 20).releases()
        for number in range(count):
            served = Path(folder) / "served"
            shutil.copytree(maker.repo / "metadata", served / "metadata")
            path = generator.choice(sorted((served / "metadata").iterdir()))
            path.write_bytes(generator.choice((mutate, change_value))(path.read_bytes(), generator))

            def look(served: Path = served) -> str:
                offered = Client(served / "client", str(served), maker.root, 20).releases()
                return "same releases" if offered == right else "passed"

            found[judge(look)] += 1
            shutil.rmtree(served)
            progress.reach(number + 1, "")
    return found


def main() -> int:
    """Prints what became of each kind; exit code 1 where something was uncaught or passed as another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--metadata", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    generator, data = random.Random(asked.seed), find_model(MODEL).read_bytes()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        maker = Maker(Path(folder))
        maker.add(find_model(MODEL), "1")
        tried = {
            "files": try_files(data, asked.files, generator),
            "networks": try_networks(data, asked.networks, generator),
            "metadata": try_metadata(maker, asked.metadata, generator),
        }
    for name, found in tried.items():
        print(f"{name}: " + ", ".join(f"{count:,} {what}" for what, count in sorted(found.items())))
        bad += sum(count for what, count in found.items() if what == "passed" or what.startswith("uncaught"))
    print(f"deaths of this process: 0, uncaught or wrongly accepted: {bad}: {'NO' if bad else 'yes'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

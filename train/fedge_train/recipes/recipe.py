"""A recipe: the steps that make a model from pictures alone, in the words of the commands' configuration files.

It is a TOML file. `name` and `bytes` are the model's; `[data]` has the SHA-256 of each data set, or "" for any
pictures; `[map]` is a label map; and each `[[step]]` has a `name`, a `command` (`train`, `average` or `quantize`) and
options of that command, of which `final-fit` stands alone. What a step starts from is an earlier step's name, never a
file.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from fedge.data import fashion_mnist
from fedge.data.label_map import Classes
from fedge.errors import ConfigError, FedgeError
from fedge.model.format.schema import SchemaError, from_json, to_json
from fedge.options import parse_residual
from fedge.system.console import did_you_mean
from fedge.system.files import sha256
from fedge_train.commands.train_settings import TrainOptions, with_options
from fedge_train.networks.plans import PLANS, plan_for
from fedge_train.recipes.words import TAKES, WORDS, Quantizing, as_fields

FOLDER = Path(__file__).parent
Command = Literal["train", "average", "quantize"]
TOP = ("name", "bytes", "data", "map", "step")
MOST_BYTES = 1_000_000
# Of many pictures, for which each plan is as it stands.
PICTURES = 55_000
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Step:
    """One command of a recipe.

    Attributes:
        name: of letters, digits and dashes; what later steps call it.
        command: what it does.
        options: what is asked of `train`; its `start` and `teachers` are names of steps. None for other commands.
        quantizing: what is asked of `quantize`, None for other commands.
        takes: the names of the steps that it starts from.
        sha256: of all that it depends on: the options, the plan, the data's hashes, and the steps that it takes.
    """

    name: str
    command: Command
    options: TrainOptions | None
    quantizing: Quantizing | None
    takes: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Recipe:
    """A recipe that passed every check; `sha256` is of its file, `data` and `label_map` as it has them."""

    name: str
    most_bytes: int
    data: dict[str, str]
    label_map: dict[str, Classes]
    steps: tuple[Step, ...]
    sha256: str

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of photographs that it learns from."""
        return tuple(name for name in self.data if name != fashion_mnist.NAME)


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with fedge, by the names of the models that they make."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def read_recipe(name: str, scale: float = 1.0) -> Recipe:
    """Reads a shipped recipe by its name, or a file; its steps are for this scale, a share of epochs and pictures.

    Raises ConfigError, which names file and line.
    """
    shipped = shipped_recipes()
    path = shipped.get(name, Path(name))
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
        text = content.decode()
    except OSError as error:
        guess = did_you_mean(name, shipped)
        raise ConfigError(
            f"there is no recipe {name}{guess}", f"give a TOML file, or one of the shipped: {', '.join(shipped)}"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8", "save it as UTF-8") from error
    return _Reader(path, text, scale).recipe(sha256(content))


class _Reader:
    def __init__(self, path: Path, text: str, scale: float) -> None:
        self.path, self.lines, self.scale = path, text.splitlines(), scale
        self.data: dict[str, str] = {}
        self.label_map: dict[str, Classes] = {}
        try:
            self.document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            number = re.search(r"line (\d+)", str(error))
            self.line = int(number[1]) if number else len(self.lines)
            raise self._wrong(str(error).partition(" (at ")[0], "mend the line", self.line) from error
        self.starts = [number for number, line in enumerate(self.lines, 1) if re.match(r"\s*\[\[\s*step\s*\]\]", line)]
        self.starts.append(len(self.lines) + 1)

    def recipe(self, sha: str) -> Recipe:
        document = self.document
        for key in document:
            if key not in TOP:
                raise self._wrong(f"a recipe has no {key}{did_you_mean(key, TOP)}", f"it has {', '.join(TOP)}", key=key)
        name, most, data = document.get("name"), document.get("bytes"), document.get("data")
        if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9-]{1,40}", name):
            raise self._wrong("name is not there or no name", 'write the model\'s, as name = "mine"', key="name")
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            raise self._wrong(
                "bytes is not there or no number", "write the most that the network may have", key="bytes"
            )
        if not isinstance(data, dict) or not data or not all(_is_hash_or_any(value) for value in data.values()):
            raise self._wrong(
                "[data] must give each data set its SHA-256",
                f'write a line like {fashion_mnist.NAME} = "", which takes any pictures',
                key="data",
            )
        tables = document.get("step")
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._wrong("there is no [[step]]", "write at least one that trains, and one that quantizes")
        self.data, self.label_map = data, self._label_map()
        steps: dict[str, Step] = {}
        for number, table in enumerate(tables):
            step = self._step(number, table, steps)
            steps[step.name] = step
        if not steps or list(steps.values())[-1].command != "quantize":
            raise self._wrong("the last step does not quantize", 'end with command = "quantize"', len(self.lines))
        for number, step in enumerate(list(steps.values())[:-1]):
            if step.command == "quantize" and _is_final_fit(steps[step.takes[0]]):
                what = f"{step.name} would open the test, which only the last step may, to judge a last fit"
                raise self._wrong(what, "quantize the run that it was made of", number, "run")
        return Recipe(name, most, self.data, self.label_map, tuple(steps.values()), sha)

    def _label_map(self) -> dict[str, Classes]:
        found = {}
        for folder, entry in self.document.get("map", {}).items():
            classes = _several(entry) if entry else []
            if not all(isinstance(each, str) and each for each in classes):
                raise self._wrong(f"[map] gives {folder} no class", 'write a class, a list of them, or ""', key=folder)
            found[folder] = tuple(classes)
        return found

    def _step(self, number: int, table: dict[str, Any], earlier: Mapping[str, Step]) -> Step:
        name, command = table.get("name"), str(table.get("command"))
        if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9-]{1,40}", name) or name in earlier:
            raise self._wrong("a step's name is missing, taken or none", "name it in a-z, 0-9 and -", number, "name")
        if command not in get_args(Command):
            guess = did_you_mean(command, get_args(Command))
            mend = f"write one of {', '.join(get_args(Command))}"
            raise self._wrong(f"{name} has no command that a recipe knows{guess}", mend, number, "command")
        known = WORDS[command]
        for key, value in table.items():
            if key not in (*known, "name", "command"):
                guess = did_you_mean(key, known).removeprefix("; ") or f"it has {', '.join(known)}"
                raise self._wrong(f"fedge {command} has no {key} in a recipe", guess, number, key)
            if key in TAKES[command]:
                for taken in _several(value):
                    if taken not in earlier or earlier[taken].command == "quantize":
                        raise self._wrong(
                            f"{key}: no step before {name} trains {taken!r}{did_you_mean(str(taken), earlier)}",
                            "a step starts from what an earlier step made, not from a file",
                            number,
                            key,
                        )
                    if key in ("from", "runs", "final-fit") and _is_final_fit(earlier[taken]):
                        mend = "name the step that it was made of"
                        raise self._wrong(f"{key}: {taken} has learned the held-out pictures", mend, number, key)
            if key == "data":
                for each in _several(value):
                    if each not in self.data:
                        raise self._wrong(f"[data] has no {each!r}", "add it there with its SHA-256", number, key)
        return self._build(number, table, earlier)

    def _build(self, number: int, table: dict[str, Any], earlier: Mapping[str, Step]) -> Step:
        name, command = table["name"], table["command"]
        words = _without(table, ("name", "command"))
        takes = tuple(taken for key in TAKES[command] if key in words for taken in _several(words[key]))
        options, quantizing, plan = None, None, None
        if "final-fit" in words:
            options = self._final_fit(number, words, earlier[takes[0]])
        for key in {"train": ("arch", "data", "epochs"), "average": ("runs",), "quantize": ("run",)}[command]:
            if key not in words and options is None:
                raise self._wrong(f"{name} does not say its {key}", f"write {key} = ...", number, "name")
        try:
            if command == "train" and options is None:
                options = from_json(TrainOptions, as_fields(words))
                architecture = str(options.architecture)
                if architecture not in PLANS and parse_residual(architecture) is None:
                    guess = did_you_mean(architecture, PLANS)
                    raise self._wrong(f"there is no architecture {architecture!r}{guess}", "", number, "arch")
                plan = to_json(with_options(plan_for(architecture, PICTURES), options))
                options = self._scaled(options)
            elif command == "quantize":
                quantizing = from_json(Quantizing, as_fields(words))
        except SchemaError as error:
            raise self._wrong(
                f"{name}: {error}", "see `fedge train --help-all`", number, _key_of(error, words)
            ) from error
        except ConfigError:
            raise
        except FedgeError as error:
            raise self._wrong(f"{name}: {error.what}", error.mend, number, _key_of(error, words)) from error
        has_folders = options is not None and set(options.data) != {fashion_mnist.NAME}
        depends = {
            "command": command,
            # A last fit has no words but the step that it takes.
            "words": words if options and options.final_fit else _without(words, TAKES[command]),
            "plan": plan,
            # Packaged data sets have no folders that a map could name.
            "map": {folder: list(classes) for folder, classes in self.label_map.items()} if has_folders else {},
            "data": {each: self.data[each] for each in (options.data if options else ())},
            "scale": self.scale,
            "takes": [earlier[taken].sha256 for taken in takes],
        }
        digest = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()
        return Step(name, command, options, quantizing, takes, digest)

    def _final_fit(self, number: int, words: Mapping[str, Any], taken: Step) -> TrainOptions:
        if odd := next((key for key in words if key != "final-fit"), None):
            what = f"{odd} does not go with final-fit, which trains as {taken.name} was trained"
            raise self._wrong(what, "leave it out", number, odd)
        if taken.options is None or not isinstance(words["final-fit"], str):
            raise self._wrong("final-fit takes one step that trains", "name that step", number, "final-fit")
        return TrainOptions(data=taken.options.data, final_fit=Path(taken.name))

    def _scaled(self, options: TrainOptions) -> TrainOptions:
        assert options.epochs is not None
        return replace(
            options,
            epochs=max(1, round(self.scale * options.epochs)),
            share=self.scale,
            sealed=True,
            seed=options.seed or 0,
            data_sha256=tuple(self.data[each] for each in options.data),
        )

    def _wrong(self, what: str, mend: str, number: int | None = None, key: str | None = None) -> ConfigError:
        """An error with file and line: of a key, in the step of this number if one is given, else of a line."""
        line = number or 1
        if key is not None:
            first, last = (self.starts[number], self.starts[number + 1]) if number is not None else (1, len(self.lines))
            at = rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]"
            line = next((each for each in range(first, last) if re.match(at, self.lines[each - 1])), first)
        return ConfigError(f"{self.path}:{line}: {what}", mend or f"choose one of {', '.join(PLANS)}")


def _several(value: Any) -> list[Any]:
    """A value that may be one or a list of them, as a list."""
    return value if isinstance(value, list) else [value]


def _is_final_fit(step: Step) -> bool:
    return step.options is not None and step.options.final_fit is not None


def _without(words: Mapping[str, Any], left_out: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in words.items() if key not in left_out}


def _is_hash_or_any(value: object) -> bool:
    return isinstance(value, str) and (not value or bool(_HASH.fullmatch(value)))


def _key_of(error: Exception, words: Mapping[str, object]) -> str:
    """The key that an error's message begins with, as the file has it."""
    first = re.split(r"[^a-z_]", str(error), maxsplit=1)[0].replace("_", "-")
    return {"architecture": "arch", "start": "from", "teachers": "teacher", "weights": "weight"}.get(first, first)

"""The work of `fedge train --recipe`: the steps of recipes in their order, each done once, whatever interrupts them.

A step's folder is named by the hash of all that the step depends on. So what is done is known again, what was cut off
goes on, and a recipe that was changed begins anew beside what the old one made.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import tensorflow as tf

from fedge.data import fashion_mnist
from fedge.data.folders import class_folders
from fedge.errors import DataError
from fedge.model.manifest import RecipeFacts, RecipeStep
from fedge.system.console import echo
from fedge.system.files import sha256_file, write_json
from fedge_quantize.candidates import QuantizeOptions
from fedge_quantize.quantize import quantize
from fedge_quantize.recipe_report import ModelRow, RecipesReport
from fedge_train.commands.average import average
from fedge_train.commands.train import train
from fedge_train.commands.train_settings import TrainOptions, start_run
from fedge_train.recipes.recipe import Recipe, Step, read_recipe
from fedge_train.runs.lock import writing
from fedge_train.runs.run_folder import CONFIG, finished, read_cost

OUT = Path("runs/recipes")
_HASH_SHOWN = 12


@dataclass(frozen=True)
class RecipeOptions:
    """What the user asked for: recipes by name or file, the share of epochs and pictures, and photographs' folders."""

    recipes: tuple[str, ...]
    out: Path = OUT
    scale: float = 1.0
    data: tuple[str, ...] = ()


def run_recipes(options: RecipeOptions) -> RecipesReport:
    """Runs the recipes one after the other, as far as they are not done, and gives the table of their models.

    All of them are checked before anything is trained. Raises FedgeError, and ParityRefused where a gate says no.
    """
    # It warns of each network after the fifth, as if they were one that is built again and again.
    tf.get_logger().setLevel("ERROR")
    works = [_Work(read_recipe(name, options.scale), options) for name in options.recipes]
    with writing(options.out):
        for work in works:
            work.require_photographs()
        return RecipesReport(tuple(work.run() for work in works))


class _Work:
    """One recipe in one folder."""

    def __init__(self, recipe: Recipe, options: RecipeOptions) -> None:
        self.recipe, self.options = recipe, options
        self.places = _places(recipe, options.data)
        _require_mapped(recipe, self.places)
        self.folders = {step.name: options.out / f"{step.name}-{step.sha256[:_HASH_SHOWN]}" for step in recipe.steps}

    def require_photographs(self) -> None:
        """Raises DataError where photographs are not those that the recipe names, before a teacher learns for days."""
        learning = [step for step in self.recipe.steps if step.options and not step.options.final_fit]
        for folder in self.recipe.folders:
            step = next((each for each in learning if each.options and folder in each.options.data), None)
            if (
                step is None
                or step.options is None
                or finished(self.folders[step.name])
                or not self.recipe.data[folder]
            ):
                continue
            echo(f"{self.recipe.name}: looking at the photographs in {self.places[folder]}")
            start_run(self._options(replace(step.options, start=None, teachers=()), None))

    def run(self) -> ModelRow:
        """Its steps; gives its row of the table."""
        recipe = self.recipe
        for number, step in enumerate(recipe.steps, 1):
            self._say = f"{recipe.name}, step {number} of {len(recipe.steps)}, {step.name}"
            if step.command == "quantize":
                report = self._quantize(step, is_last=number == len(recipe.steps))
            else:
                self._learn(step)
        return self._row(report)

    def _learn(self, step: Step) -> None:
        folder = self.folders[step.name]
        if finished(folder) and (folder / CONFIG).is_file():
            echo(f"{self._say}: done before, in {folder}")
            return
        has_begun = step.options is not None and (folder / CONFIG).is_file()
        echo(f"{self._say}: {'goes on' if has_begun else 'begins'} in {folder}")
        if folder.is_dir() and not has_begun:
            # Cut off before there was anything to go on from.
            shutil.rmtree(folder)
        if step.options is None:
            average([self.folders[taken] for taken in step.takes], folder)
            return
        data = tuple(self.places[name] for name in step.options.data)
        train(TrainOptions(out=folder, resume=True, data=data) if has_begun else self._options(step.options, folder))

    def _options(self, options: TrainOptions, folder: Path | None) -> TrainOptions:
        data = tuple(self.places[name] for name in options.data)
        if options.final_fit:
            return TrainOptions(data=data, out=folder, final_fit=self.folders[options.final_fit.name])
        label_map = None
        if self.recipe.label_map:
            label_map = self.options.out / f"{self.recipe.name}.map.json"
            write_json(label_map, {name: list(classes) or None for name, classes in self.recipe.label_map.items()})
        return replace(
            options,
            out=folder,
            data=data,
            label_map=label_map if set(options.data) & set(self.recipe.folders) else None,
            start=str(self.folders[options.start]) if options.start else None,
            teachers=tuple(str(self.folders[name]) for name in options.teachers),
        )

    def _quantize(self, step: Step, is_last: bool) -> dict[str, Any]:
        """What `fedge quantize` reported, now or when it was done; only a recipe's last step opens the test."""
        assert step.quantizing is not None
        model = self.options.out / f"{self.recipe.name if is_last else self.recipe.name + '-' + step.name}.tflite"
        record = self.folders[step.name].with_suffix(".json")
        if (done := _record(record)) and model.is_file() and sha256_file(model) == done["sha256"]:
            echo(f"{self._say}: done before, in {model}")
            return done
        echo(f"{self._say}: begins, for {model}")
        asked, started, scale = step.quantizing, monotonic(), self.options.scale
        report = quantize(
            QuantizeOptions(
                self.folders[asked.run],
                model,
                # With so few pictures the gate of a trial never passes, and `auto` would always train.
                "ptq" if scale < 1 and asked.method == "auto" else asked.method,
                asked.max_drop,
                max(1, round(scale * asked.qat_epochs)),
                # So few pictures prove nothing; the file says so.
                unproved=scale < 1,
                data=tuple(self.places[name] for name in self._learned_from(asked.run)),
                with_test=is_last,
                recipe=self._facts(asked.run),
            )
        )
        done = {
            "model": str(model),
            "sha256": sha256_file(model),
            "bytes": report.bytes,
            "seconds": monotonic() - started,
            "int8_accuracy": report.parity.int8_accuracy,
            "n": report.parity.n,
            "judged_on": report.judged_on,
            "drop_pp": report.parity.drop_pp,
            "drop_upper95_pp": report.parity.drop_upper95_pp,
            "accepted": report.accepted,
        }
        write_json(record, done)
        return done

    def _learned_from(self, name: str) -> tuple[str, ...]:
        """The data sets of a step: its own, or of a mean those of its runs."""
        step = self._step(name)
        return step.options.data if step.options else self._learned_from(step.takes[0])

    def _step(self, name: str) -> Step:
        return next(step for step in self.recipe.steps if step.name == name)

    def _behind(self, name: str) -> set[str]:
        return {name}.union(*(self._behind(taken) for taken in self._step(name).takes))

    def _facts(self, run: str) -> RecipeFacts:
        behind = self._behind(run)
        steps = tuple(
            RecipeStep(step.name, step.command, step.sha256, read_cost(self.folders[step.name]).seconds)
            for step in self.recipe.steps
            if step.name in behind
        )
        return RecipeFacts(self.recipe.name, self.recipe.sha256, steps, self.options.scale)

    def _row(self, done: Mapping[str, Any]) -> ModelRow:
        trained = [step.name for step in self.recipe.steps if step.command == "train"]
        seconds = sum(read_cost(self.folders[name]).seconds for name in trained)
        return ModelRow(
            name=self.recipe.name,
            model=done["model"],
            bytes=done["bytes"],
            most_bytes=self.recipe.most_bytes,
            int8_accuracy=done["int8_accuracy"],
            n=done["n"],
            judged_on=done["judged_on"],
            drop_pp=done["drop_pp"],
            drop_upper95_pp=done["drop_upper95_pp"],
            accepted=done["accepted"],
            hours=(seconds + done["seconds"]) / 3600,
        )


def _places(recipe: Recipe, given: tuple[str, ...]) -> dict[str, str]:
    """Where each data set of a recipe is: as given, in the order of `[data]`, or a folder of its name here."""
    folders = recipe.folders
    places = {name: name for name in recipe.data} | dict(zip(folders, given, strict=False))
    for name in folders:
        if not Path(places[name]).is_dir():
            raise DataError(
                f"the recipe {recipe.name} needs the photographs {name}, and there is no folder {places[name]}",
                f"say where they are, as in `fedge train --recipe {recipe.name} --data FOLDER`",
            )
    return places | ({fashion_mnist.NAME: fashion_mnist.NAME} if fashion_mnist.NAME in recipe.data else {})


def _require_mapped(recipe: Recipe, places: Mapping[str, str]) -> None:
    """Raises DataError where the photographs' folders are not those of the recipe's map: a name that is none of its
    would be a class of its own, which no teacher knows."""
    if not recipe.label_map:
        return
    found = {name for folder in recipe.folders for name in class_folders(Path(places[folder]))}
    strange, missing = sorted(found - recipe.label_map.keys()), sorted(recipe.label_map.keys() - found)
    where = " and ".join(places[folder] for folder in recipe.folders)
    if strange or missing:
        problem = f"has {', '.join(strange)}, which [map] does not name" if strange else f"has no {', '.join(missing)}"
        raise DataError(
            f"the recipe {recipe.name} maps folders of photographs by their names, and {where} {problem}",
            "name the folders as in its [map], or follow a recipe of your own with another",
        )


def _record(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None

"""A run folder: what is in it, and how its configuration is read."""

import importlib.metadata
import json
import platform
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tf_keras import Model

from fedge import __version__
from fedge.data import fashion_mnist
from fedge.data.dataset import Dataset, join, thinned
from fedge.data.decoded.cache import user_cache
from fedge.data.label_map import Classes, LabelMap
from fedge.data.load import Read, Seal, load_dataset
from fedge.errors import RunError
from fedge.images.picture import read_with_notes
from fedge.images.preprocess import Recipe
from fedge.making.foreign.extractor import Extractor
from fedge.model.format.schema import SchemaError, from_json, to_json
from fedge.options import TEST_SHARE
from fedge.system.files import replacing, sha256, short_name, write_bytes, write_json
from fedge_train.networks.architectures import build
from fedge_train.networks.extractor_network import extractor_network
from fedge_train.networks.plans import Plan
from fedge_train.runs.lock import is_being_written

# A trained network's logits are below 100; at this size, int8's steps would be too coarse.
MOST_LOGIT = 1e4
# By how much float32 rounding lets equal logits differ.
LEAST_DIFFERENCE = 1e-4

RUNS = Path("runs")
CONFIG, WEIGHTS, HISTORY, REPORT = "config.json", "weights.weights.h5", "history.json", "report.json"
HISTORY_CSV = "history.csv"
BACKBONE = "backbone.tflite"
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class RunConfig:
    """Everything that makes a run again.

    Attributes:
        data: as given to `--data`, folders as absolute paths.
        label_map: as read from `--map`.
        weights: how often an epoch shows a picture of each of `data` on average.
        test_share: what a folder without a test split gives to it.
        start: the run or model whose weights are the starting point, or None for random ones.
        teachers: the runs or models whose answers are learned too.
        origins: the SHA-256 of the weights of `start` and `teachers` when the run was started, by their names.
        averaged: the runs whose weights' mean these weights are; none for a run that was trained.
        head: the inverse strength of the penalty of a linear head that was learned on a frozen backbone; None for a
            network that was trained as a whole.
        sealed: whether the test pictures had no say in it, and were not opened; see `load_dataset`.
        share: of each split's pictures that are used, 0..1; below 1 for a trial.
        backbone: the SHA-256 of the user's own network whose features the head is learned from, which is kept in the
            run's folder; None for an architecture that fedge knows.
        final_fit: the run that held pictures out, where this one learned from these too, see `commands.final_fit`.
    """

    architecture: str
    data: tuple[str, ...]
    data_sha256: str
    labels: tuple[str, ...]
    recipe: Recipe
    plan: Plan
    seed: int
    dtype: str
    label_map: dict[str, Classes] = field(default_factory=dict)
    weights: tuple[float, ...] = ()
    test_share: float = TEST_SHARE
    start: str | None = None
    teachers: tuple[str, ...] = ()
    origins: dict[str, str] = field(default_factory=dict)
    averaged: tuple[str, ...] = ()
    head: float | None = None
    sealed: bool = False
    share: float = 1.0
    backbone: str | None = None
    final_fit: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    format: int = 1


def write_config(folder: Path, config: RunConfig) -> None:
    """Writes a run's configuration."""
    write_json(folder / CONFIG, to_json(config))


def read_config(folder: Path) -> RunConfig:
    """Reads a run's configuration; raises RunError where it is missing or breaks its schema."""
    mend = "give the folder of a run that `fedge train` made"
    if not folder.is_dir():
        raise RunError(f"there is no run folder {folder}", mend)
    try:
        return from_json(RunConfig, json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    except OSError as error:
        raise RunError(f"{folder} has no readable {CONFIG}", mend) from error
    except SchemaError as error:
        raise RunError(f"{folder / CONFIG}: {error}", mend) from error
    except ValueError as error:
        raise RunError(f"{folder / CONFIG} is not JSON", mend) from error


def load_run_data(
    folder: Path,
    config: RunConfig,
    moved_to: tuple[str, ...] = (),
    read: Read = read_with_notes,
    with_test: bool = True,
) -> Dataset:
    """Loads the data that a run was trained on, from where they were, or from where they have been `moved_to`.

    Without the test, the test pictures of a sealed run stay closed; any other run has opened them.

    Raises RunError where they are not there or have changed since.
    """
    data = moved_to or config.data
    gone = next((name for name in data if name != fashion_mnist.NAME and not Path(name).is_dir()), None)
    if gone is not None and not moved_to:
        raise RunError(f"the pictures of {folder} are not in {gone} any more", "give their new folder with --data")
    seal: Seal = "none" if not config.sealed else "open" if with_test else "closed"
    label_map = LabelMap(dict(config.label_map))
    dataset = load_dataset(data, config.recipe, label_map, config.test_share, read, seal, user_cache())
    dataset = thinned(dataset, config.share) if config.share < 1 else dataset
    if dataset.sha256() != config.data_sha256:
        what = f"{' and '.join(moved_to)} do not hold the pictures that {folder} was trained on"
        changed = f"the data of {folder} has changed since it was trained"
        raise RunError(what if moved_to else changed, "restore the data, or train again")
    return with_held_out(dataset) if config.final_fit else dataset


def with_held_out(dataset: Dataset) -> Dataset:
    """A data set whose held-out pictures, which it still has, are learned too."""
    return replace(dataset, train=join([dataset.train, dataset.held_out]))


def save_weights(folder: Path, model: Model) -> None:
    """Writes the weights alone: no code travels in a run folder."""
    with replacing(folder / WEIGHTS) as temporary:
        # Keras takes the format from the whole suffix, of which a temporary file keeps only the last part.
        named = temporary.with_name(temporary.name.removesuffix(".h5") + ".weights.h5")
        try:
            model.save_weights(str(named))
            named.replace(temporary)
        finally:
            named.unlink(missing_ok=True)


def weights_path(folder: Path) -> Path:
    """The file of a run's chosen weights; raises RunError where the run has none yet."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise RunError(f"{folder} has no {WEIGHTS}", f"finish it with `fedge train --resume --out {folder}`")
    return path


def write_extractor(folder: Path, extractor: Extractor) -> None:
    """Writes the user's own backbone to a run's folder, so that the run is whole without the file it came from."""
    write_bytes(folder / BACKBONE, extractor.flatbuffer)


def build_for(folder: Path, config: RunConfig) -> Model:
    """A run's network in the global policy's dtype, its trained weights not yet set; raises FedgeError."""
    if config.backbone is None:
        return build(config.architecture, config.recipe.shape, len(config.labels))
    path = folder / BACKBONE
    content = path.read_bytes() if path.is_file() else b""
    if sha256(content) != config.backbone:
        raise RunError(f"{path} is not the backbone that the run was made with", "restore it, or train again")
    return extractor_network(Extractor(config.architecture, content, config.recipe), len(config.labels))


def load_float_model(folder: Path, config: RunConfig) -> Model:
    """Rebuilds a run's network in float32 with its chosen weights; raises RunError where they do not fit."""
    model = build_for(folder, config)
    path = weights_path(folder)
    try:
        model.load_weights(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{path} does not fit {config.architecture} ({error})", "train again") from error
    return model


def finished(folder: Path) -> bool:
    """Whether a run has ended and been reported."""
    return (folder / REPORT).is_file()


@dataclass(frozen=True)
class TrainingCost:
    """What a run's training took: epochs and seconds."""

    epochs: int
    seconds: float


def read_cost(folder: Path) -> TrainingCost:
    """What a finished run's training took, from its report; raises RunError where it has none, or a damaged one."""
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        return TrainingCost(int(report["epochs"]), float(report["seconds"]))
    except OSError as error:
        raise RunError(f"{folder} has no {REPORT}", f"finish it with `fedge train --resume --out {folder}`") from error
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{folder / REPORT} does not say its epochs and seconds", "train again") from error


def require_empty(folder: Path, mend: str) -> None:
    """Raises RunError unless a run may be written to `folder`: it is not there, or it is an empty folder.

    What is left of a configuration whose writing was cut off, the first file of a run, does not count.
    """
    begun = f".{CONFIG}."
    if folder.exists() and not (folder.is_dir() and all(path.name.startswith(begun) for path in folder.iterdir())):
        raise RunError(f"{folder} is not an empty folder", mend)


def new_folder(name: str) -> Path:
    """A folder under `runs/` that is not there yet: NAME, else NAME-2, NAME-3 and so on."""
    name = short_name(name)
    folder, number = RUNS / name, 1
    while folder.exists():
        number += 1
        folder = RUNS / f"{name}-{number}"
    return folder


def latest_unfinished() -> Path:
    """The most recently touched run under `runs/` that has not ended and that no process trains; raises RunError."""
    open_runs = [
        p.parent for p in RUNS.glob(f"*/{CONFIG}") if not finished(p.parent) and not is_being_written(p.parent)
    ]
    if not open_runs:
        raise RunError(f"no unfinished run is in {RUNS}/", "name it with --out, or train without --resume")
    return max(open_runs, key=lambda run: max(path.stat().st_mtime for path in (run / CONFIG, *run.glob(CHECKPOINTS))))


def tool_versions() -> dict[str, str]:
    """The versions of what a run is made with."""
    packages = ("tensorflow", "tf-keras", "numpy", "opencv-python-headless")
    return {"fedge": __version__, "python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in packages
    }


def changed_fields(old: RunConfig, new: RunConfig) -> list[str]:
    """The names of the settings in which two configurations differ, the tools' versions aside."""
    settings = [field.name for field in fields(RunConfig) if field.name not in ("plan", "versions")]
    changed = [name for name in settings if getattr(old, name) != getattr(new, name)]
    in_plan = [field.name for field in fields(Plan) if getattr(old.plan, field.name) != getattr(new.plan, field.name)]
    return changed + [f"plan.{name}" for name in in_plan]


def require_learned(run: Path, logits: NDArray[np.float32]) -> None:
    """Raises RunError for a network that gives no numbers, or one and the same answer to everything."""
    mend = "train again with a lower --learning-rate, and look at history.json"
    if not np.isfinite(logits).all() or np.abs(logits).max() > MOST_LOGIT:
        raise RunError(f"the network of {run} gives no numbers that can be used: its training diverged", mend)
    if len(logits) > 1 and np.ptp(logits, axis=0).max() <= LEAST_DIFFERENCE:
        raise RunError(f"the network of {run} has learned nothing: it says the same of every picture", mend)

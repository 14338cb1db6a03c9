"""Finding a model: by its path, among those that come in the wheel, or the one that this device's store runs."""

from pathlib import Path

from fedge.errors import NotAModelFile
from fedge.system.console import did_you_mean
from fedge.system.state import store_folder

MODELS = Path(__file__).parent / "shipped_models"
DEFAULT = "camera"
# What `fedge train` writes first into a run's folder.
RUN_CONFIG = "config.json"


def shipped_models() -> dict[str, Path]:
    """The shipped models' paths by name."""
    return {path.stem: path for path in sorted(MODELS.glob("*.tflite"))}


def find_model(model: str | Path | None) -> Path:
    """The path of a model: a path, a shipped model's name, or (None) the device's. Raises NotAModelFile.

    The device's is the store's current model (`fedge models`), and `camera` where the store has none.
    """
    current = store_folder() / "current"
    if model is None and current.is_file():
        return current.resolve()
    shipped = shipped_models()
    name = str(model) if model is not None else DEFAULT
    if Path(name).is_file():
        return Path(name)
    if name in shipped:
        return shipped[name]
    if Path(name).is_dir():
        return _in_folder(Path(name))
    guess = did_you_mean(name, shipped)
    raise NotAModelFile(
        f"there is no model {name}{guess}",
        f"give the path of a .tflite file, or one of the shipped: {', '.join(shipped)}",
    )


def _in_folder(folder: Path) -> Path:
    """The one model file in a folder, as `fedge quantize` leaves it in a run; raises NotAModelFile."""
    files = sorted(folder.glob("*.tflite"))
    if len(files) == 1:
        return files[0]
    if files:
        raise NotAModelFile(f"{folder} has {len(files)} model files", f"give one of {', '.join(map(str, files))}")
    if (folder / RUN_CONFIG).is_file():
        raise NotAModelFile(f"{folder} is a run without a model file yet", f"make it with `fedge quantize {folder}`")
    raise NotAModelFile(
        f"{folder} is a folder without a model file", f"give it as --source {folder} if it holds pictures"
    )


def is_shipped(path: Path) -> bool:
    """Whether `path` is one of the wheel's own models."""
    return path.resolve().parent == MODELS.resolve()

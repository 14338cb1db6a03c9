"""Finding a model: by its path, among those that come in the wheel, or the one that this device's store runs."""

from pathlib import Path

from fedge.errors import NotAModelFile
from fedge.system.state import store_folder

MODELS = Path(__file__).parent / "shipped_models"
DEFAULT = "camera"


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
    raise NotAModelFile(
        f"there is no model {name}", f"give the path of a .tflite file, or one of the shipped: {', '.join(shipped)}"
    )


def is_shipped(path: Path) -> bool:
    """Whether `path` is one of the wheel's own models."""
    return path.resolve().parent == MODELS.resolve()

"""The models that come in the wheel."""

from pathlib import Path

from fedge.errors import NotAModelFile

MODELS = Path(__file__).parent / "shipped_models"
DEFAULT = "camera"


def shipped_models() -> dict[str, Path]:
    """The shipped models' paths by name."""
    return {path.stem: path for path in sorted(MODELS.glob("*.tflite"))}


def find_model(model: str | Path | None) -> Path:
    """The path of a model: a path, a shipped model's name, or (None) the default. Raises NotAModelFile."""
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

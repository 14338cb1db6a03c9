"""A label map: from a folder's name to a class, or to nothing."""

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from fedge.errors import DataError


@dataclass(frozen=True)
class LabelMap:
    """Folder names and the classes that they stand for; None leaves a folder out. A name not in it is its own class."""

    classes: dict[str, str | None] = field(default_factory=dict)

    def label(self, folder: str) -> str | None:
        """The class of a folder, or None where it is left out."""
        return self.classes.get(folder, folder)


def read_label_map(path: Path | None) -> LabelMap:
    """Reads a label map from JSON (null leaves out) or TOML ("" leaves out); None gives the empty map.

    Raises DataError where the file is neither, or maps a name to anything but a text or nothing.
    """
    if path is None:
        return LabelMap()
    mend = 'write it as {"folder": "Class", "other": null} in JSON, or folder = "Class" in TOML'
    try:
        text = path.read_text()
        value = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except OSError as error:
        raise DataError(f"the label map {path} cannot be read ({error.strerror})", mend) from error
    except ValueError as error:
        raise DataError(f"the label map {path} cannot be parsed ({error})", mend) from error
    if not isinstance(value, dict) or not all(isinstance(v, str | None) for v in value.values()):
        raise DataError(f"the label map {path} must give each folder name a class or nothing", mend)
    return LabelMap({name: label or None for name, label in value.items()})

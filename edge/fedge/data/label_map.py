"""A label map: from a folder's name to a class, to several classes of which any is right, or to nothing."""

import json
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fedge.errors import DataError

Classes = tuple[str, ...]


@dataclass(frozen=True)
class LabelMap:
    """Folder names and the classes that they stand for: any of these is right; none at all leaves a folder out.

    A name that is not in it is its own class.
    """

    classes: dict[str, Classes] = field(default_factory=dict)

    def right(self, folder: str) -> Classes:
        """The classes that are right for a folder's pictures; empty where it is left out."""
        return self.classes.get(folder, (folder,))


def read_label_map(path: Path | None) -> LabelMap:
    """Reads a label map from JSON (null leaves out) or TOML ("" leaves out); None gives the empty map.

    Raises DataError where the file is neither, has a name twice, or maps one to anything but a text, a list of texts or
    nothing.
    """
    if path is None:
        return LabelMap()
    mend = 'write it as {"folder": "Class", "either": ["A", "B"], "other": null} in JSON, or folder = "Class" in TOML'
    try:
        text, once = path.read_text(encoding="utf-8-sig"), partial(_each_once, path)
        value = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text, object_pairs_hook=once)
    except OSError as error:
        raise DataError(f"the label map {path} cannot be read ({error.strerror})", mend) from error
    except UnicodeDecodeError as error:
        raise DataError(f"the label map {path} is not UTF-8", "save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"the label map {path} cannot be parsed ({error})", mend) from error
    if not isinstance(value, dict) or not all(_names_classes(v) for v in value.values()):
        raise DataError(f"the label map {path} must give each folder name a class, a list of classes or nothing", mend)
    return LabelMap({name: _classes(entry) for name, entry in value.items()})


def _each_once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    doubled = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if doubled:
        raise DataError(f"the label map {path} has {', '.join(map(repr, doubled))} twice", "leave one of each")
    return dict(pairs)


def _names_classes(entry: Any) -> bool:
    if isinstance(entry, list):
        # An empty list could mean "left out" or "none of them is right"; null says the first plainly.
        return bool(entry) and len(set(map(str, entry))) == len(entry) and all(isinstance(v, str) and v for v in entry)
    return isinstance(entry, str | None)


def _classes(entry: str | list[str] | None) -> Classes:
    return tuple(entry) if isinstance(entry, list) else (entry,) if entry else ()

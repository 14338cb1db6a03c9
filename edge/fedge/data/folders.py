"""A folder of pictures per class, with or without folders for its splits."""

from dataclasses import dataclass
from pathlib import Path

from fedge.data.label_map import Classes, LabelMap
from fedge.errors import DataError
from fedge.images.picture import is_picture

SPLIT_FOLDERS = {"train": ("train",), "held_out": ("validation", "valid", "val"), "test": ("test",)}


@dataclass(frozen=True)
class Listing:
    """The picture files of a folder and their right classes, by split: `train`, `held_out`, `test`, or `all`."""

    splits: dict[str, tuple[tuple[Path, Classes], ...]]


def list_folder(root: Path, label_map: LabelMap) -> Listing:
    """Lists a folder's pictures by split and class.

    Raises DataError where it is no folder, has no class, an empty class, or splits whose classes differ.
    """
    if not root.is_dir():
        raise DataError(f"there is no folder {root}", "give `--data` fashion-mnist or a folder with a folder per class")
    for names in SPLIT_FOLDERS.values():
        there = [name for name in names if (root / name).is_dir()]
        if len(there) > 1:
            raise DataError(f"{root} has {' and '.join(there)}, which mean the same split", "join them in one folder")
    found = {split: root / name for split, names in SPLIT_FOLDERS.items() for name in names if (root / name).is_dir()}
    splits = {split: _list_classes(folder, label_map) for split, folder in (found or {"all": root}).items()}
    class_sets = {split: {label for _, right in items for label in right} for split, items in splits.items()}
    first = next(iter(class_sets))
    for split, classes in class_sets.items():
        if classes != class_sets[first]:
            odd = ", ".join(sorted(classes ^ class_sets[first]))
            raise DataError(
                f"{root}: {found[first].name} and {found[split].name} have differing classes ({odd})",
                "give each split the same class folders",
            )
    return Listing(splits)


def _list_classes(folder: Path, label_map: LabelMap) -> tuple[tuple[Path, Classes], ...]:
    class_folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not class_folders:
        raise DataError(f"{folder} has no class folders", "put each class's pictures into a folder of its own")
    items = []
    for class_folder in class_folders:
        right = label_map.right(class_folder.name)
        if not right:
            continue
        files = (path for path in class_folder.rglob("*") if path.is_file() and not _is_hidden(path, class_folder))
        pictures = sorted(path for path in files if is_picture(path))
        if not pictures:
            raise DataError(f"the class folder {class_folder} has no pictures", "fill it or remove it")
        items += [(path, right) for path in pictures]
    return tuple(items)


def _is_hidden(path: Path, root: Path) -> bool:
    # Notebooks and file managers keep copies in hidden folders.
    return any(part.startswith(".") for part in path.relative_to(root).parts)

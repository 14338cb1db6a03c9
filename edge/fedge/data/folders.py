"""A folder of pictures per class, with or without folders for its splits."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fedge.data.label_map import Classes, LabelMap
from fedge.errors import DataError
from fedge.images.picture import is_picture, looks_like_a_picture
from fedge.system.files import is_hidden

# In any case: `Train` is the split too.
SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "held_out": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}

Items = tuple[tuple[Path, Classes], ...]


@dataclass(frozen=True)
class Listing:
    """The picture files of a folder and their right classes, by split: `train`, `held_out`, `test`, or `all`.

    `left_out` names each file and folder that is not used, with the reason; hidden ones are not counted.
    """

    splits: dict[str, Items]
    left_out: tuple[str, ...] = ()


def list_folder(root: Path, label_map: LabelMap, with_test: bool = True) -> Listing:
    """Lists a folder's pictures by split and class; without the test, a `test` folder is not looked into.

    Raises DataError where it is no folder or cannot be read, has no class, an empty class, or splits whose classes
    differ.
    """
    if not root.is_dir():
        raise DataError(f"there is no folder {root}", "give `--data` fashion-mnist or a folder with a folder per class")
    found = split_folders(root)
    left_out = [f"{path} is beside the folders of the splits" for path in _visible(root) if path not in found.values()]
    if not found:
        left_out = []
    if not with_test and len(found) > 1:
        found.pop("test", None)
    splits = {split: _list_classes(folder, label_map, left_out) for split, folder in (found or {"all": root}).items()}
    class_sets = {split: {label for _, right in items for label in right} for split, items in splits.items()}
    first = next(iter(class_sets))
    for split, classes in class_sets.items():
        if classes != class_sets[first]:
            odd = ", ".join(sorted(classes ^ class_sets[first]))
            raise DataError(
                f"{root}: {found[first].name} and {found[split].name} have differing classes ({odd})",
                "give each split the same class folders",
            )
    return Listing(splits, tuple(left_out))


def split_folders(root: Path) -> dict[str, Path]:
    """The folders of a data set's splits, by split; none where its class folders stand in it directly.

    A folder is a split's if it is called so, in any case, and holds folders: one that holds pictures is a class.
    Raises DataError where two mean the same split.
    """
    found: dict[str, Path] = {}
    for path in _visible(root):
        split = next((split for split, names in SPLIT_FOLDERS.items() if path.name.lower() in names), None)
        if split is None or not path.is_dir() or not _holds_folders_alone(path):
            continue
        if split in found:
            names = sorted((found[split].name, path.name), key=lambda n: SPLIT_FOLDERS[split].index(n.lower()))
            both = " and ".join(names)
            raise DataError(f"{root} has {both}, which mean the same split", "join them in one folder")
        found[split] = path
    return {split: found[split] for split in SPLIT_FOLDERS if split in found}


def class_folders(root: Path) -> set[str]:
    """The names of a data set's class folders, in all its splits. Raises DataError where one cannot be read."""
    splits = split_folders(root).values()
    return {path.name for folder in splits or [root] for path in _visible(folder) if path.is_dir()}


def _holds_folders_alone(folder: Path) -> bool:
    inside = _visible(folder)
    return not inside or (any(p.is_dir() for p in inside) and not any(p.is_file() and is_picture(p) for p in inside))


def _list_classes(folder: Path, label_map: LabelMap, left_out: list[str]) -> Items:
    class_folders = [path for path in _visible(folder) if path.is_dir()]
    left_out += [f"{path} stands in no class folder" for path in _visible(folder) if path.is_file()]
    if not class_folders:
        raise DataError(f"{folder} has no class folders", "put each class's pictures into a folder of its own")
    items: list[tuple[Path, Classes]] = []
    for class_folder in class_folders:
        right = label_map.right(class_folder.name)
        if not right:
            continue
        pictures = []
        for path in _files(class_folder, set()):
            if is_picture(path) or looks_like_a_picture(path):
                pictures.append(path)
            else:
                left_out.append(f"{path} is no picture that OpenCV reads")
        if not pictures:
            raise DataError(f"the class folder {class_folder} has no pictures", "fill it or remove it")
        items += [(path, right) for path in sorted(pictures)]
    return tuple(items)


def _files(folder: Path, above: set[tuple[int, int]]) -> Iterator[Path]:
    """All files below a folder, through links too but never round in a circle; hidden ones are left out."""
    status = folder.stat()
    place = (status.st_dev, status.st_ino)
    if place in above:
        return
    for path in _visible(folder):
        if path.is_dir():
            yield from _files(path, above | {place})
        elif path.is_file():
            yield path


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not is_hidden(path))
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read ({error.strerror})", "change its permissions") from error

"""From `--data` to a data set: finds, reads, preprocesses, splits, and keeps duplicates apart."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from fedge.data import fashion_mnist
from fedge.data.dataset import Dataset, Split, carve, join, without_duplicates
from fedge.data.decoded.cache import PictureCache
from fedge.data.decoded.decode import Reader, WithNotes, decode_into_memory
from fedge.data.doubts import imbalance, same_picture_in_two_classes, similar_names
from fedge.data.folders import class_folders, list_folder, split_folders
from fedge.data.label_map import Classes, LabelMap
from fedge.data.three_splits import require_enough, three_splits
from fedge.errors import DataError
from fedge.images.picture import read_with_notes
from fedge.images.preprocess import Recipe
from fedge.options import TEST_SHARE
from fedge.system.console import echo, file_name

Read = Callable[[Path], WithNotes]
# Whether the test pictures are kept apart from the first; see `load_dataset`.
Seal = Literal["none", "closed", "open"]


@dataclass(frozen=True)
class _Item:
    name: str
    right: Classes
    read: Reader


def default_recipe(data: tuple[str, ...]) -> Recipe:
    """The recipe for a choice of data: 28x28 gray on black with Fashion-MNIST, else 64x64 in colour."""
    fashion = fashion_mnist.NAME in data
    side = 28 if fashion else 64
    return Recipe(side, side, "gray" if fashion else "rgb", polarity="dark-background" if fashion else "keep")


def load_dataset(
    data: tuple[str, ...],
    recipe: Recipe,
    label_map: LabelMap,
    test_share: float = TEST_SHARE,
    read: Read = read_with_notes,
    seal: Seal = "none",
    cache: PictureCache | None = None,
) -> Dataset:
    """Loads and joins data sets for training; `read` reads their files, unless `cache` has them decoded.

    By default pictures that the test has too are kept out of training. With a seal, `closed` or `open`, the test
    pictures have no say in what the other splits have: closed, their files are not even opened, and `test` is empty.

    A folder without a `test` folder gives `test_share` of its training pictures to test; without a `validation` folder
    10% (at most 5,000) are held out; both stratified and seeded.

    Raises DataError where a source is missing or damaged, or fewer than two classes remain.
    """
    skipped: list[str] = []
    doubtful: list[str] = []
    sources = [_collect(name, label_map, skipped, read, seal=seal) for name in data]
    _say_what_is_not_there(data, label_map)
    labels = _label_order(
        data, [name for source in sources for items in source.values() for item in items for name in item.right]
    )
    parts: list[tuple[Split, Split, Split]] = []
    for number, source in enumerate(sources):
        if seal != "none":
            source = _set_test_apart(source, labels, test_share, seal)
        of_files = None if data[number] == fashion_mnist.NAME else cache
        splits = {
            split: _read(items, labels, recipe, skipped, doubtful, number, of_files) for split, items in source.items()
        }
        parts.append(three_splits(splits, test_share))
    train, held_out, test = (join([part[i] for part in parts]) for i in range(3))
    name = "+".join(_short(name) for name in data)
    doubtful += same_picture_in_two_classes(join([train, held_out, test]), labels)
    warnings = (*similar_names(labels), *imbalance(train, labels))
    notes = (tuple(skipped), (), tuple(doubtful), warnings)
    dataset = without_duplicates(Dataset(name, labels, recipe, train, held_out, test, *notes, sealed=seal != "none"))
    for name, split in (("training", dataset.train), ("held-out", dataset.held_out), ("test", dataset.test)):
        if name != "test" or seal != "closed":
            _require_every_class(name, split, labels)
    return dataset


def load_for_evaluation(
    data: str, recipe: Recipe, label_map: LabelMap, labels: tuple[str, ...]
) -> tuple[Split, list[str]]:
    """Loads the pictures to evaluate a model on: the `test` split, or `validation`, or `train`, or all of a folder.

    Returns the split and the list of pictures skipped. Raises DataError for a class that the model does not have, and
    where no picture can be read.
    """
    skipped: list[str] = []
    source = _collect(data, label_map, skipped, read_with_notes, splits=("test", "held_out", "all", "train"))
    _say_what_is_not_there((data,), label_map)
    items = next(iter(source.values()))
    foreign = sorted({name for item in items for name in item.right} - set(labels))
    if foreign:
        raise DataError(
            f"the model has no class {', '.join(foreign)}",
            "evaluate a model of these classes, or other pictures"
            if data == fashion_mnist.NAME
            else f"map them with --map to one of {', '.join(labels)}, or to nothing",
        )
    split = _read(items, labels, recipe, skipped, skipped)
    if not len(split):
        raise DataError(f"no picture of {data} can be read", "give pictures that are whole")
    return split, skipped


def _collect(
    data: str,
    label_map: LabelMap,
    skipped: list[str],
    read: Read,
    splits: tuple[str, ...] | None = None,
    seal: Seal = "none",
) -> dict[str, list[_Item]]:
    """The items of one source by split; with `splits`, only the first of those that is there.

    What is left out is added to `skipped`.
    """
    if data == fashion_mnist.NAME:
        if seal == "closed":
            return {"train": list(_fashion_items("train")), "test": []}
        wanted = ("test",) if splits else ("train", "test")
        return {split: list(_fashion_items(split)) for split in wanted}
    listed = list_folder(Path(data), label_map, with_test=seal != "closed")
    skipped += listed.left_out
    listing = listed.splits
    if not any(listing.values()):
        left_out = ", ".join(sorted(_folder_names(data) & label_map.classes.keys()))
        raise DataError(f"the label map leaves out all folders of {data} ({left_out})", "give one of them a class")
    if splits:
        first = next(split for split in splits if split in listing)
        listing = {first: listing[first]}
    return {
        split: [_Item(str(path), right, partial(read, path)) for path, right in items]
        for split, items in listing.items()
    } | ({"test": []} if seal == "closed" and "test" in split_folders(Path(data)) else {})


def _set_test_apart(
    source: dict[str, list[_Item]], labels: tuple[str, ...], test_share: float, seal: Seal
) -> dict[str, list[_Item]]:
    """A source with its test pictures chosen by their names alone where it has no `test` folder; none if closed."""
    if "test" not in source:
        whole = "all" if "all" in source else "train"
        if whole in source:
            by_name = {item.name: item for item in source[whole]}
            listed = _listed(source[whole], labels)
            cuts = 1 + ("held_out" not in source)
            require_enough(listed, cuts)
            rest, test = carve(listed, max(1, round(len(listed) * test_share)), leave=cuts)
            source = {name: items for name, items in source.items() if name != whole}
            source |= {"train": [by_name[name] for name in rest.names], "test": [by_name[name] for name in test.names]}
    return source if seal == "open" else source | {"test": []}


def _listed(items: list[_Item], labels: tuple[str, ...]) -> Split:
    """The items as a split without pictures."""
    n, classes = len(items), np.array([labels.index(item.right[0]) for item in items], dtype=np.int64)
    nothing = np.zeros((n, 0), dtype=np.uint8)
    names = tuple(item.name for item in items)
    flags = np.zeros((n, len(labels)), dtype=bool)
    return Split(nothing, classes, flags, np.zeros(n, dtype=np.int64), flags[:, 0], names, (b"",) * n)


def _say_what_is_not_there(data: tuple[str, ...], label_map: LabelMap) -> None:
    strangers = label_map.classes.keys() - {name for source in data for name in _folder_names(source)}
    if strangers:
        names = ", ".join(map(repr, sorted(strangers)))
        echo(f"the label map names {names}, but no folder of {', '.join(data)} is called so")


def _folder_names(data: str) -> set[str]:
    """The names of the class folders of one source; a packaged data set has none."""
    return set() if data == fashion_mnist.NAME else class_folders(Path(data))


def _fashion_items(split: str) -> Iterable[_Item]:
    pictures, labels = fashion_mnist.load(split)
    for i, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        yield _Item(
            f"{fashion_mnist.NAME}/{split}/{i}",
            (fashion_mnist.LABELS[label],),
            lambda picture=picture: (picture, ()),  # type: ignore[misc]
        )


def _label_order(data: tuple[str, ...], names: list[str]) -> tuple[str, ...]:
    known = fashion_mnist.LABELS if fashion_mnist.NAME in data else ()
    labels = (*known, *sorted(set(names) - set(known)))
    if len(labels) < 2:
        raise DataError(f"there is only one class ({', '.join(labels)})", "give at least two classes")
    for label in labels:
        if not label.strip() or label.splitlines() != [label]:
            raise DataError(f"the class name {label!r} cannot stand on a line of its own", "rename the folder")
        if not _is_utf8(label):
            raise DataError(f"the class name {label!r} is not UTF-8", "rename the folder")
    return labels


def _is_utf8(name: str) -> bool:
    # Python reads bytes of a file's name that are not UTF-8 as surrogates, which cannot be encoded.
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _read(
    items: list[_Item],
    labels: tuple[str, ...],
    recipe: Recipe,
    skipped: list[str],
    doubtful: list[str],
    source: int = 0,
    cache: PictureCache | None = None,
) -> Split:
    readers = [item.read for item in items]
    found = cache.decoded([Path(item.name) for item in items], readers, recipe) if cache else None
    found = found or decode_into_memory(readers, recipe)
    skipped += [facts.problem for facts in found.facts if facts.problem is not None]
    doubtful += [note for facts in found.facts for note in facts.notes]
    kept = [(item, facts) for item, facts in zip(items, found.facts, strict=True) if facts.problem is None]
    index = {label: i for i, label in enumerate(labels)}
    right = np.zeros((len(kept), len(labels)), dtype=bool)
    for row, (item, _) in zip(right, kept, strict=True):
        row[[index[label] for label in item.right]] = True
    return Split(
        found.images,
        np.array([index[item.right[0]] for item, _ in kept], dtype=np.int64),
        right,
        np.full(len(kept), source),
        np.array([facts.empty for _, facts in kept], dtype=bool),
        tuple(item.name for item, _ in kept),
        tuple(facts.digest for _, facts in kept),
    )


def _require_every_class(name: str, split: Split, labels: tuple[str, ...]) -> None:
    missing = [label for i, label in enumerate(labels) if not np.any(split.right[:, i])]
    if missing:
        raise DataError(
            f"the {name} pictures have none of {', '.join(missing)} that is readable and no duplicate",
            "add pictures of it" + (", or raise --test-share" if name == "test" else ""),
        )


def _short(name: str) -> str:
    return name if name == fashion_mnist.NAME else file_name(Path(Path(name).resolve().name))

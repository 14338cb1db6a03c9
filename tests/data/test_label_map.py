"""Label maps that are not what their author thinks they are."""

from pathlib import Path

import pytest
from support import fedge, one_line_error, write_class_folders

from fedge.data.label_map import LabelMap, read_label_map
from fedge.data.load import load_dataset, load_for_evaluation
from fedge.errors import DataError
from fedge.images.preprocess import Recipe

RECIPE = Recipe(16, 16)
CLASSES = ["Bag", "Sneaker", "Trouser"]


def written(folder: Path, text: str, name: str = "map.json") -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("name", ["map.json", "map.toml"])
def test_a_map_as_deep_as_no_map_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot be parsed"):
        read_label_map(written(tmp_path, ("a = " if name.endswith("toml") else "") + "[" * 100_000, name))


def test_a_name_that_is_there_twice_is_refused_and_named(tmp_path: Path) -> None:
    text = '{"pants": "Trouser", "hat": null, "pants": "Skirt"}'
    with pytest.raises(DataError, match=r"map.json has 'pants' twice"):
        read_label_map(written(tmp_path, text))
    with pytest.raises(DataError, match="cannot be parsed"):
        read_label_map(written(tmp_path, 'pants = "Trouser"\npants = "Skirt"\n', "map.toml"))


@pytest.mark.parametrize("split", ["", "train", "test"])
def test_a_map_that_leaves_out_all_folders_is_refused_and_they_are_named(tmp_path: Path, split: str) -> None:
    write_class_folders(tmp_path / "data" / split, CLASSES, 3)
    nothing = LabelMap(dict.fromkeys([*CLASSES, "hat"], ()))
    message = rf"leaves out all folders of {tmp_path}/data \(Bag, Sneaker, Trouser\)"
    with pytest.raises(DataError, match=message):
        load_for_evaluation(str(tmp_path / "data"), RECIPE, nothing, tuple(CLASSES))
    with pytest.raises(DataError, match=message):
        load_dataset((str(tmp_path / "data"),), RECIPE, nothing)


def test_eval_says_so_in_one_line(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "data", CLASSES, 3)
    label_map = written(tmp_path, '{"Bag": null, "Sneaker": null, "Trouser": null}')
    done = fedge("eval", "base", "--data", tmp_path / "data", "--map", label_map)
    assert done.code == 1 and "leaves out all folders" in one_line_error(done)


@pytest.mark.parametrize("split", ["", "test"])
def test_names_that_no_folder_has_are_told_in_one_line(
    tmp_path: Path, split: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_class_folders(tmp_path / "data" / split, CLASSES, 3)
    data = str(tmp_path / "data")
    load_for_evaluation(data, RECIPE, LabelMap({"Bag": ("Bag",), "Sneaker": ()}), tuple(CLASSES))
    assert capsys.readouterr().err == ""
    load_for_evaluation(data, RECIPE, LabelMap({"sneaker": (), "Bag": ("Bag",), "bags": ("Bag",)}), tuple(CLASSES))
    told = f"fedge: the label map names 'bags', 'sneaker', but no folder of {data} is called so\n"
    assert capsys.readouterr().err == told


def test_a_name_that_one_of_several_data_has_is_not_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_class_folders(tmp_path / "a", ["Bag", "Sneaker"], 20)
    write_class_folders(tmp_path / "b", ["Trouser", "Bag"], 20, start=50)
    both = (str(tmp_path / "a"), str(tmp_path / "b"))
    load_dataset(both, RECIPE, LabelMap({"Sneaker": ("Bag",), "Trouser": ("Trouser",)}))
    assert capsys.readouterr().err == ""
    load_dataset(both, RECIPE, LabelMap({"Hat": ("Bag",), "Trouser": ("Trouser",)}))
    told = f"fedge: the label map names 'Hat', but no folder of {', '.join(both)} is called so\n"
    assert capsys.readouterr().err == told

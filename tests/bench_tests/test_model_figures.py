"""The documentation's tables and plot say what the shipped model files say."""

import dataclasses
import json
from pathlib import Path
from xml.etree import ElementTree

import model_figures
import pytest
from model_figures import PAGE, PLOT, plot, points, published_table, renewed, shipped_table

from fedge.model import file as model_file

MEND = "make it again with tests/bench/shipped_models.py --write"


def plotted(path: Path) -> object:
    """The points that an SVG's description holds."""
    description = ElementTree.parse(path).find(".//{http://purl.org/dc/elements/1.1/}description")
    assert description is not None and description.text is not None
    return json.loads(description.text)


def test_the_pages_tables_are_those_of_the_files() -> None:
    page = PAGE.read_text()
    assert shipped_table() in page, MEND
    assert published_table() in page, MEND
    assert renewed(page) == page


def test_the_pages_plot_is_that_of_the_files() -> None:
    assert f"(../{PLOT.relative_to(PAGE.parents[1])})" in PAGE.read_text()
    assert plotted(PLOT) == points(), MEND


def test_another_file_gives_another_table_and_plot(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_file.read(model_path)
    better = dataclasses.replace(
        model.manifest,
        parity=dataclasses.replace(model.manifest.parity, int8_accuracy=0.9876),
        training=dataclasses.replace(model.manifest.training, seconds=7_200.0),
    )
    path = tmp_path / "better.tflite"
    model_file.write(path, model_file.pack(model.flatbuffer, better, model.labels, model.golden, model.card))
    monkeypatch.setattr(model_figures, "shipped_models", lambda: {"better": path})
    page = PAGE.read_text()
    assert shipped_table() not in page and "| 98.76% |" in shipped_table() and "| 120 |" in shipped_table()
    assert shipped_table() in renewed(page) and len(renewed(page).splitlines()) <= len(page.splitlines())
    plot(tmp_path / "plot.svg")
    assert plotted(tmp_path / "plot.svg") == points() != plotted(PLOT)


def test_a_model_tested_on_other_pictures_too_is_in_the_table_but_not_in_the_plot(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_file.read(model_path)
    training = dataclasses.replace(model.manifest.training, data="fashion-mnist+photos")
    mixed = dataclasses.replace(model.manifest, training=training)
    path = tmp_path / "mixed.tflite"
    model_file.write(path, model_file.pack(model.flatbuffer, mixed, model.labels, model.golden, model.card))
    monkeypatch.setattr(model_figures, "shipped_models", lambda: {"mixed": path})
    assert "of fashion-mnist+photos |" in shipped_table() and points() == {}

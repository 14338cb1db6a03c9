"""The report page of a run folder: words first, everything inline, and nothing of what is not there."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedge_train.runs.page import PAGE, write_page
from fedge_train.runs.plots import plot_lines, plot_samples

HOSTILE = '<script>alert("x")</script>'


def run_folder(folder: Path, **more: Any) -> Path:
    row = {"recall": 0.5, "precision": 1.0, "support": 10}
    report = {
        "architecture": "lite0",
        "data": "cups",
        "run": str(folder),
        "accuracy": 0.75,
        "n": 20,
        "per_class": {"cup": row | {"recall": 1.0}, HOSTILE: row},
        "best_epoch": 0,
        "epochs": 0,
    }
    (folder / "report.json").write_text(json.dumps(report | more))
    plot_samples(folder / "samples.png", np.zeros((1, 8, 8, 3), np.uint8), ["cup"], [False], "one")
    return folder


def quantized(folder: Path, **changed: Any) -> None:
    counts = {"coverage": 0.9, "accuracy": 0.8, "answered": 18, "right": 14}
    report = {
        "float_accuracy": 0.75,
        "int8_accuracy": 0.75,
        "drop_upper95_pp": 0.3,
        "max_drop_pp": 0.5,
        "agreement": 1.0,
        "n": 20,
        "model": "cups.tflite",
        "proof": "test",
        "doubt": [{"source": "/data/cups", "ece": 0.04, "by_mode": {"normal": counts}, "curve": []}],
    }
    (folder / "quantize").mkdir()
    (folder / "quantize" / "report.json").write_text(json.dumps(report | changed))


class Addresses(HTMLParser):
    """Collects what a page loads or links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe")
        self.found += [value or "" for name, value in attributes if name in ("src", "href")]


def test_the_page_says_the_verdict_first_and_needs_no_other_file(tmp_path: Path) -> None:
    write_page(run_folder(tmp_path))
    text = (tmp_path / PAGE).read_text()
    assert text.index("right on 15 of 20 test pictures") < text.index("<h2>")
    assert "run `fedge quantize" in text and "What int8 changed" not in text
    assert "knows &lt;script&gt;" in text and HOSTILE not in text
    addresses = Addresses(text).found
    assert len(addresses) == 1 and addresses[0].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "as good as the network it was made from"),
        ({"model": None, "drop_upper95_pp": 3.0}, "No model file was written"),
        ({"proof": "none", "drop_upper95_pp": 3.0}, "UNPROVED"),
    ],
)
def test_the_page_of_a_quantized_run_says_what_became_of_it(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    quantized(run_folder(tmp_path), **changed)
    plot_samples(tmp_path / "quantize" / "flips.png", np.zeros((0, 8, 8, 3), np.uint8), [], [], "nothing flipped")
    lines = {"cups": [(0.5, 0.1), (1.0, 0.2)]}
    marks = {"cups": {"off": (1.0, 0.2), "normal": (0.98, 0.19), "strict": (0.6, 0.1)}}
    plot_lines(tmp_path / "quantize" / "doubt.png", lines, marks, ("answered", "error"))
    write_page(tmp_path)
    text = (tmp_path / PAGE).read_text()
    assert said in text and "off by 4.0 points" in text and "/data" not in text
    assert len(Addresses(text).found) == 3


def test_the_page_shows_what_the_pictures_need(tmp_path: Path) -> None:
    enough = {
        "sentences": ["Enough.", "More of cups.", "Look at one."],
        "mislabelled": [{"picture": "a&b.jpg", "label": "cup", "looks_like": "key", "probability": 0.9}],
        "near_duplicates": [],
    }
    folder = run_folder(tmp_path, enough=enough)
    plot_samples(folder / "suspects.png", np.zeros((1, 8, 8, 3), np.uint8), ["cup"], [True], "one")
    write_page(folder)
    text = (folder / PAGE).read_text()
    assert "<li>More of cups.</li>" in text and "a&amp;b.jpg" in text
    assert "Seen twice?" not in text and "Taken for each other" not in text

"""The page of the worst pictures: what is on it, in which order, and that it needs nothing else."""

import dataclasses
from base64 import b64decode
from html.parser import HTMLParser

import cv2
import numpy as np
from pictures_for_tests import scene

from fedge.evaluation.mistakes_page import (
    MOST_SHOWN,
    NO_OBJECT,
    PICTURE_SIDE,
    UNSURE,
    WRONG,
    Mistake,
    order_mistakes,
    page,
)

ITEM = Mistake("a/b.jpg", scene(0), np.full((28, 28, 1), 77, np.uint8), "Shirt", "Coat", 0.987, WRONG)


class _Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def pictures(self) -> list[np.ndarray]:
        sources = [attributes["src"] or "" for tag, attributes in self.elements if tag == "img"]
        assert all(source.startswith("data:image/") for source in sources)
        contents = [b64decode(source.split(";base64,")[1]) for source in sources]
        return [cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED) for content in contents]


def test_the_most_certain_wrong_answers_come_first_then_what_was_refused() -> None:
    scores = np.array([0.9, 0.8, 0.95, 0.3, 0.2, 0.99])
    right = np.array([False, False, False, False, True, True])
    given = np.array([True, True, True, False, False, True])
    assert order_mistakes(scores, right, given) == [2, 0, 1, 3, 4]
    many = np.zeros(1000, dtype=bool)
    assert len(order_mistakes(np.linspace(0, 1, 1000), many, ~many)) == MOST_SHOWN


def test_the_page_shows_picture_input_and_what_was_said() -> None:
    parsed = _Elements(page("Worst", ["Half is right."], [ITEM]))
    picture, image = parsed.pictures()
    assert max(picture.shape) == PICTURE_SIDE and np.array_equal(image, ITEM.image[:, :, 0])
    assert all(text in parsed.text for text in ("Half is right.", "Coat", "99%", "wrong", "is Shirt", "a/b.jpg"))


def test_color_inputs_keep_their_colors() -> None:
    red = np.zeros((8, 8, 3), np.uint8)
    red[:, :, 0] = 200
    _, image = _Elements(page("Worst", [], [dataclasses.replace(ITEM, image=red)])).pictures()
    assert image[0, 0].tolist() == [0, 0, 200], "OpenCV decodes to blue-green-red"


def test_names_cannot_become_markup() -> None:
    bad = '"><script src=//x>&'
    item = Mistake(bad, ITEM.picture, ITEM.image, bad, bad, 0.5, NO_OBJECT)
    parsed = _Elements(page(bad, [bad], [item]))
    assert "script" not in {tag for tag, _ in parsed.elements}
    # Title and heading, the line, what it is and what it is called; the answer where there is one.
    assert parsed.text.count(bad) == 5
    refused = dataclasses.replace(item, state=UNSURE)
    assert _Elements(page(bad, [bad], [refused])).text.count(bad) == 6


def test_the_page_needs_nothing_else_and_knows_the_dark() -> None:
    text = page("Worst", [], [])
    assert "No picture was answered wrongly" in text
    assert "http" not in text and "prefers-color-scheme: dark" in text and "color-scheme: light dark" in text

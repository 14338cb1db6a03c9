"""A page of the pictures that a model did worst on: one HTML file that needs nothing else."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np

from fedge.images.picture import Picture
from fedge.images.resize import resize_longest
from fedge.model.confidence import Flags, Floats

MOST_SHOWN = 60
PICTURE_SIDE, INPUT_SIDE = 200, 112
JPEG_QUALITY = 80


@dataclass(frozen=True)
class Mistake:
    """One picture on the page.

    Attributes:
        name: where the picture came from.
        picture: as it was taken, uint8 [h, w] or [h, w, 3] blue-green-red.
        image: what the network saw of it, uint8 [height, width, 1 or 3 red-green-blue].
        truth, said: the right answer or answers, and the model's.
        score: of the model's answer, 0..1.
        state: what happened: a wrong answer, or why there was none.
    """

    name: str
    picture: Picture
    image: Picture
    truth: str
    said: str
    score: float
    state: str


def order_mistakes(scores: Floats, right: Flags, given: Flags) -> list[int]:
    """The indices of the pictures that the page shows: wrong answers, the most certain first, then what got none.

    Args:
        scores: of each answer, [n].
        right: whether the likeliest class is right, [n].
        given: whether an answer was given, [n].
    """
    wrong = np.flatnonzero(given & ~right)
    refused = np.flatnonzero(~given)
    order = [wrong[np.argsort(-scores[wrong], kind="stable")], refused[np.argsort(-scores[refused], kind="stable")]]
    return [int(i) for i in np.concatenate(order)[:MOST_SHOWN]]


def page(title: str, summary: Sequence[str], shown: Sequence[Mistake]) -> str:
    """The page as HTML; every text is escaped and every picture is in it."""
    lines = "".join(f"<li>{escape(line)}</li>" for line in summary)
    cards = "".join(_card(item) for item in shown) or "<p>No picture was answered wrongly or refused.</p>"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_STYLE}</style>\n</head>\n'
        f"<body>\n<h1>{escape(title)}</h1>\n<ul>{lines}</ul>\n<main>{cards}</main>\n</body>\n</html>\n"
    )


def _card(item: Mistake) -> str:
    image = item.image.squeeze(axis=2) if item.image.shape[2] == 1 else cv2.cvtColor(item.image, cv2.COLOR_RGB2BGR)
    input_uri = _uri("png", np.asarray(image, np.uint8))
    kind = "wrong" if item.state == WRONG else "none"
    said = f"<b>{escape(item.said)}</b> {item.score:.0%}, {escape(item.state)}"
    picture_uri = _uri("jpeg", resize_longest(item.picture, PICTURE_SIDE))
    answer = f"<b>{NO_OBJECT}</b>" if item.state == NO_OBJECT else said
    return (
        f'<figure class="{kind}"><div><img src="{picture_uri}" alt="the picture">'
        f'<img class="input" src="{input_uri}" alt="what the network saw" width="{INPUT_SIDE}"></div>'
        f"<figcaption>{answer}<br>"
        f"is {escape(item.truth)}<br><small>{escape(item.name)}</small></figcaption></figure>\n"
    )


def _uri(kind: str, picture: Picture) -> str:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if kind == "jpeg" else []
    encoded = cv2.imencode(f".{kind}", picture, options)[1].tobytes()
    return f"data:image/{kind};base64,{b64encode(encoded).decode()}"


WRONG, UNSURE, NO_OBJECT = "wrong", "refused as unsure", "no object found"
_STYLE = """
:root { color-scheme: light dark; --card: #f2f2f2; --line: #ccc; --wrong: #b00020; --none: #8a6d00; }
@media (prefers-color-scheme: dark) { :root { --card: #222; --line: #444; --wrong: #ff7b8a; --none: #e5c04b; } }
body { font: 16px/1.4 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
figure { margin: 0; padding: .75rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
ul { padding-left: 1.2rem; }
figure div { margin-bottom: .5rem; display: flex; gap: .5rem; align-items: center; justify-content: space-between; }
img { max-height: 12.5rem; max-width: 60%; border-radius: .25rem; }
img.input { image-rendering: pixelated; background: #000; }
figure.wrong b { color: var(--wrong); }
figure.none b { color: var(--none); }
small { overflow-wrap: anywhere; opacity: .75; }
"""

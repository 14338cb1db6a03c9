"""The front page is short, and leads somewhere."""

import re
import tomllib

import pytest
from documented_commands import ROOT, blocks

MOST_WORDS = 900


def test_contributing_names_all_rooms() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rooms = {room for contract in contracts for layer in contract["layers"] for room in layer.split(" : ")}
    assert not {room for room in rooms if f"`{room}`" not in (ROOT / "CONTRIBUTING.md").read_text()}


def test_the_readme_has_at_most_900_words() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= MOST_WORDS


def test_the_readme_has_the_two_commands() -> None:
    shown = [words for block in blocks(ROOT / "README.md") for words in block.commands()]
    assert ["make", "demo"] in shown and ["make", "test"] in shown and ["make", "wheel"] in shown


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_and_pictures_are_there(page: str) -> None:
    # MkDocs looks at the links of the documentation, strictly; these two pages are not among its own.
    text = (ROOT / page).read_text()
    found = re.findall(r"\]\(([^)#]+)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    assert found and all("://" in link or (ROOT / link).exists() for link in found)

"""Keyboard and screen reader: everything on the page that can be reached or shows something has a name."""

from collections.abc import Iterator

import pytest
from browser import Page, browser, needs_chromium
from results import result, snapshot
from web_helpers import TOKEN, web_page

pytestmark = needs_chromium

# Where a person acts, and what a screen reader announces of a picture.
NAMED = {"button", "link", "textbox", "checkbox", "combobox", "slider", "img", "image", "figure", "region"}


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    with browser() as page:
        page.call("Accessibility.enable")
        yield page


def nameless(tab: Page) -> list[str]:
    """The roles of what should have a name and has none, as the browser tells a screen reader."""
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    told = [node for node in nodes if not node["ignored"] and node["role"]["value"] in NAMED | {"list", "generic"}]
    return [node["role"]["value"] for node in told if _needs_a_name(node) and not node["name"]["value"].strip()]


def _needs_a_name(node: dict) -> bool:  # type: ignore[type-arg]
    focusable = any(entry["name"] == "focusable" and entry["value"]["value"] for entry in node.get("properties", []))
    return focusable or node["role"]["value"] in NAMED


def focused(tab: Page) -> str:
    """Presses the tab key and gives what then has the focus."""
    for kind in ("keyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    return str(tab.value("document.activeElement.id || document.activeElement.tagName.toLowerCase()"))


def test_everything_on_the_page_has_a_name(tab: Page) -> None:
    with web_page() as page:
        for number in range(30):
            page.show(result(number, "Bag", changed=True))
        page.health(snapshot())
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.querySelectorAll('#changes li').length > 5")
        assert nameless(tab) == []
        assert tab.value("document.documentElement.lang && document.title")
        tab.value("document.body.append(document.createElement('button'))")
        assert nameless(tab) == ["button"]
    tab.errors.clear()


def test_the_token_can_be_given_by_keyboard_alone(tab: Page) -> None:
    with web_page(TOKEN, "0.0.0.0") as page:
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.getElementById('token') !== null")
        assert nameless(tab) == []
        assert tab.value("document.activeElement.id") == "token"
        tab.call("Input.insertText", text=TOKEN)
        assert focused(tab) == "button"
        tab.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r", windowsVirtualKeyCode=13)
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
    tab.errors.clear()

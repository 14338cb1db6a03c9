"""The page in a real browser."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import Page, browser, needs_chromium
from results import result, snapshot
from web_helpers import TOKEN, get, web_page

from fedge.images.picture import Picture
from fedge.model.classifier import load
from fedge.model.shipped import shipped_models
from fedge.outputs.delivery.hub import Hub
from fedge.runner.health import Health, ModelFacts, OutputStatus, State

pytestmark = needs_chromium

HOSTILE = "<img src=x onerror=document.title='hacked'>"
# JPEG and chroma subsampling move a plain colour by less than this of 255.
COLOR_TOLERANCE = 8


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    with browser() as page:
        yield page


def plain(blue: int, green: int, red: int) -> Picture:
    return np.full((48, 64, 3), (blue, green, red), np.uint8)


def has_color(red: int, green: int, blue: int) -> str:
    """In JavaScript: whether the middle of the picture that the page shows has this colour."""
    pixel = "[...document.getElementById('canvas').getContext('2d').getImageData(32, 24, 1, 1).data]"
    return f"[{red}, {green}, {blue}].every((v, i) => Math.abs(v - {pixel}[i]) <= {COLOR_TOLERANCE})"


def text(tab: Page, selector: str) -> str:
    return str(tab.value(f"document.querySelector({selector!r}).textContent"))


def test_the_page_shows_the_frame_and_follows_when_the_label_changes(tab: Page) -> None:
    with web_page() as page:
        hub = Hub([page], Health())
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
        for number, (label, color) in enumerate([("Bag", (250, 20, 20)), ("Dress", (20, 20, 250))]):
            decided = f"document.getElementById('decision').textContent === {label!r}"
            arrived = f"{decided} && {has_color(*color[::-1])}"
            # Which of the frames the page gets is up to it; the newest one may not be among them.
            while not tab.value(arrived):
                hub.show(result(number, label, changed=True, picture=plain(*color)))
                hub.health(snapshot())
            tab.wait_for(f"document.querySelector('#answer b').textContent === {label!r}")
            assert text(tab, "#changes li b") == label
        assert text(tab, "#status span") == "running"
        assert text(tab, "#rate") == "24.5"
        assert [tab.value(f"document.querySelectorAll('#bars b')[{i}].textContent") for i in (0, 1)] == ["75%", "25%"]
        assert tab.value("document.querySelectorAll('#chart polyline').length") >= 1
        # The region: the middle three quarters of a picture of 4:3.
        assert tab.value("document.getElementById('region').style.left") == "12.5%"
        assert not tab.value("document.getElementById('region').hidden")
        hub.close()
    assert tab.errors == []


def test_the_page_shows_how_long_it_has_run_in_its_two_largest_units(tab: Page) -> None:
    with web_page() as page:
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
        for seconds, shown in ((0.4, "0 s"), (1, "1 s"), (61.5, "1 min 1 s"), (7260, "2 h 1 min"), (90000, "1 d 1 h")):
            page.health(replace(snapshot(), uptime_s=seconds))
            tab.wait_for(f"document.querySelector('#health dd')?.textContent === {shown!r}")
    tab.errors.clear()


def test_the_page_shows_what_the_network_sees_pixel_by_pixel(tab: Page) -> None:
    pixels = np.arange(0, 28 * 28, dtype=np.uint16).reshape(28, 28, 1).astype(np.uint8)
    script = """(() => {
        const canvas = document.createElement('canvas'), image = document.getElementById('input');
        canvas.width = canvas.height = 28;
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        const data = context.getImageData(0, 0, 28, 28).data;
        return image.complete && image.naturalWidth === 28 && [...data].filter((_, i) => i % 4 === 0);
    })()"""
    with web_page() as page:
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
        assert tab.value("document.getElementById('input').hidden")
        page.show(result(0, changed=True, image=pixels))
        page.health(snapshot())
        assert tab.wait_for(script) == pixels.ravel().tolist()
        assert not tab.value("document.getElementById('input').hidden")
        assert tab.value("getComputedStyle(document.getElementById('input')).imageRendering") == "pixelated"
        assert tab.value("document.getElementById('input').alt")
        width = tab.value("document.getElementById('input').getBoundingClientRect().width")
        assert width > 2 * 28
        page.health(snapshot("waiting", "the camera is gone"))
        tab.wait_for("document.querySelector('main').classList.contains('old')")
        tab.wait_for("Number(getComputedStyle(document.getElementById('input')).opacity) < 0.5")
    tab.errors.clear()


def test_the_page_says_where_no_object_is_and_how_sure_the_cut_out_is(tab: Page) -> None:
    known = result(0, None, changed=True)
    alike = (("Bag", 0.5), ("Dress", 0.5))
    nothing = replace(known.answer, quality=0.12, score=0.5, top=alike, probabilities=(0.5, 0.5), empty=True)
    with web_page() as page:
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
        page.show(replace(known, answer=nothing))
        tab.wait_for("document.querySelector('#answer b').textContent === 'no object'")
        assert text(tab, "#answer span") == ""
        assert text(tab, "#quality") == "cut-out 12% sure"
        assert tab.value("document.querySelectorAll('#bars .best').length") == 0
        assert tab.value("[...document.querySelectorAll('#bars b')].every((score) => score.textContent === '\\u2013')")
        # An object that it does not know is another matter.
        page.show(replace(result(1, None, changed=True), answer=replace(known.answer, quality=0.93)))
        tab.wait_for("document.querySelector('#answer b').textContent === 'unknown (Coat?)'")
        assert text(tab, "#answer span") == "75%"
        assert text(tab, "#quality") == "cut-out 93% sure"
        assert tab.value("document.querySelectorAll('#bars .best').length") == 1
        # A model that cuts nothing out says neither, not even of classes that are all alike.
        page.show(replace(result(2, None, changed=True), answer=replace(nothing, quality=None, empty=False)))
        tab.wait_for("document.querySelector('#answer b').textContent === 'unknown (Bag?)'")
        assert text(tab, "#quality") == ""
    tab.errors.clear()


def test_the_region_that_is_shown_large_is_chosen_and_with_it_the_picture_of_its_camera(tab: Page) -> None:
    names = {"yard/gate": "small", "yard/bin": "camera", "door": "nano"}
    classifiers = {name: load(shipped_models()[model]) for name, model in names.items()}
    both: dict[str, State] = {"yard": "running", "door": "running"}
    with web_page(labels=classifiers["yard/gate"].labels, regions=tuple(names), classifiers=classifiers) as page:
        hub = Hub([page], Health())

        def show_until(arrived: str) -> None:
            while not tab.value(arrived):
                for name in names:
                    color = (20, 20, 250) if name == "door" else (250, 20, 20)
                    label = classifiers[name].labels[-1]
                    hub.show(replace(result(0, label, changed=True, picture=plain(*color)), region=name))
                hub.health(replace(snapshot(), cameras=both))

        tab.open(f"http://127.0.0.1:{page.port}/")
        show_until(f"document.querySelectorAll('#choice option').length === 3 && {has_color(20, 20, 250)}")
        for name in ("door", "yard/bin"):
            tab.value(f"(choice.value = {name!r}, choice.dispatchEvent(new Event('change')))")
            labels = classifiers[name].labels
            bars = "[...document.querySelectorAll('#bars li > span')].map((each) => each.textContent).join()"
            color = (250, 20, 20) if name == "door" else (20, 20, 250)
            decided = f"document.getElementById('decision').textContent === {labels[-1]!r}"
            show_until(f"{has_color(*color)} && {decided} && {bars} === {','.join(labels)!r}")
            assert not tab.value("document.getElementById('answer').hidden")
            assert text(tab, "#model") == f"{names[name]}, {len(labels)} classes"
        state = json.loads(get(page, "/state")[2])
        assert {each["name"]: tuple(each["labels"]) for each in state["regions"]} == {
            name: classifier.labels for name, classifier in classifiers.items()
        }
        assert get(page, "/live/gate.mjpg")[0] == 404
        hub.close()


def test_an_old_picture_is_never_shown_as_a_fresh_one(tab: Page) -> None:
    with web_page() as page:
        hub = Hub([page], Health())
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
        while not tab.value("document.body.dataset.pictures"):
            hub.show(result(0, picture=plain(1, 2, 3)))
            hub.health(snapshot())
        tab.wait_for("!document.getElementById('answer').hidden")
        assert text(tab, "#decided") == "Decision" and text(tab, "#scored") == "Scores of this frame"
        hub.health(snapshot("waiting", "the camera is gone"))
        tab.wait_for("document.getElementById('picture').classList.contains('stale')")
        assert tab.value("document.getElementById('answer').hidden")
        assert "the camera is gone" in text(tab, "#notice")
        # It grows older before the eyes.
        seconds = "Number(/The picture is (\\d+) s old/.exec(document.getElementById('notice').textContent)?.[1])"
        age = tab.wait_for(f"({seconds} >= 0) && 1 + {seconds}") - 1
        tab.wait_for(f"{seconds} > {age}")
        assert float(tab.value("getComputedStyle(document.getElementById('canvas')).opacity")) < 0.5
        assert text(tab, "#status span") == "waiting"
        assert text(tab, "#decided") == "Last decision" and text(tab, "#scored") == "Scores of the last frame"
        hub.close()
    tab.wait_for("document.querySelector('#status span').textContent === 'no connection'")
    # The name stays on one line beside the longest state, and what follows has a line of its own.
    tab.screen(390, 800)
    lines = tab.value("['h1', '#status', '#source'].map((id) => document.querySelector(id).getBoundingClientRect().y)")
    assert lines[2] > max(lines[:2]) and tab.value("document.querySelector('h1').offsetHeight") < 40
    tab.screen(1280, 800)
    tab.errors.clear()


def test_labels_are_text_and_nothing_else(tab: Page) -> None:
    with web_page(labels=(HOSTILE, "Dress")) as page:
        page.show(result(0, HOSTILE, changed=True, source=HOSTILE))
        page.health(snapshot("running", HOSTILE))
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
        tab.wait_for("document.getElementById('changes').children.length === 1")
        for selector in ("#bars span", "#decision", "#changes b", "#source"):
            assert text(tab, selector) == HOSTILE
        assert tab.value("document.querySelectorAll('main img:not(#input)').length") == 0
        assert tab.value("document.title") == "fedge"
        # Before the server ends: a browser calls the end of its stream an error.
        assert tab.errors == []


def test_the_token_leaves_the_address_and_lets_the_page_work(tab: Page) -> None:
    with web_page(TOKEN, "0.0.0.0") as page:
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.getElementById('token') !== null")
        # Without the token a browser calls the refused page an error.
        tab.errors.clear()
        tab.value(f"document.getElementById('token').value = {TOKEN!r}")
        tab.value("document.querySelector('button').click()")
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
        assert tab.value("location.href") == f"http://127.0.0.1:{page.port}/"
        assert tab.value("document.cookie") == ""
        page.show(result(0, "Bag", changed=True))
        tab.wait_for("document.getElementById('decision').textContent === 'Bag'")
    tab.errors.clear()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_fits_narrow_and_wide_light_and_dark(tab: Page, tmp_path: Path, width: int, dark: bool) -> None:
    long = "Ankle-boot-with-an-unreasonably-long-name-that-goes-on-and-on"
    with web_page(labels=(long, "Dress")) as page:
        image = np.full((28, 28, 1), 99, np.uint8)
        page.show(result(0, long, changed=True, source="/dev/" + long * 3, image=image))
        page.health(snapshot("running", long * 3))
        tab.screen(width, 800, dark)
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.getElementById('changes').children.length === 1")
        assert tab.value("document.documentElement.scrollWidth") == width
        columns = tab.value("getComputedStyle(document.querySelector('main')).gridTemplateColumns").split()
        assert len(columns) == (2 if width == 1280 else 1)
        tab.screenshot(tmp_path / "page.png")
    corner = cv2.imread(str(tmp_path / "page.png"))[2, 2]
    assert corner.max() < 64 if dark else corner.min() > 192
    tab.errors.clear()


def test_before_the_first_frame_bars_are_empty_and_the_model_is_named(tab: Page) -> None:
    facts = ModelFacts("cups", 2, "/models/cups.tflite", "0123456789ab", "1.0")
    with web_page() as page:
        page.health(replace(snapshot("starting"), model=facts))
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
        assert tab.value("[...document.querySelectorAll('#bars i')].every((bar) => bar.clientWidth === 0)")
        assert text(tab, "#model") == "cups, 2 classes"
        page.health(replace(snapshot(), model=replace(facts, name="mugs")))
        tab.wait_for("document.getElementById('model').textContent === 'mugs, 2 classes'")
        tab.wait_for("[...document.querySelectorAll('#health dd')].some((row) => row.textContent === '0123456789ab')")
        page.show(result(0, changed=True))
        tab.wait_for("document.getElementById('prepare').textContent === '0.5ms'")
        tab.wait_for("document.querySelector('#bars i').clientWidth > 0")
    tab.errors.clear()


def test_the_charts_clock_goes_on_while_no_frame_comes(tab: Page) -> None:
    end = "Number(document.querySelector('#chart .age')?.getAttribute('points').split(' ').at(-1).split(',')[0])"
    with web_page() as page:
        page.show(result(0, changed=True))
        tab.open(f"http://127.0.0.1:{page.port}/")
        newest = tab.wait_for(end)
        # Nothing is sent any more: the page itself moves what it has to the left.
        tab.wait_for(f"{end} < {newest}")
    tab.errors.clear()


def test_an_output_that_fails_is_red(tab: Page) -> None:
    failing = replace(snapshot(), outputs={"csv": OutputStatus("ok"), "recording": OutputStatus("failing", "full")})
    with web_page() as page:
        tab.open(f"http://127.0.0.1:{page.port}/")
        page.health(failing)
        tab.wait_for("document.querySelectorAll('#outputs dd').length === 2")
        assert text(tab, "#outputs .bad") == "failing: full"
    tab.errors.clear()

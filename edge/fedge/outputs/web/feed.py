"""What the page shows: pictures, encoded once for all clients, and everything else as JSON."""

import base64
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from time import monotonic
from typing import Any

import cv2
import numpy as np

from fedge.images.picture import Picture, as_jpeg, input_to_picture
from fedge.images.preprocess import Recipe, seen
from fedge.images.resize import resize_longest
from fedge.model.classifier import Classifier
from fedge.options import camera_of
from fedge.outputs.payload import change
from fedge.outputs.web.channel import Channel
from fedge.outputs.web.latency import LatencyHistory
from fedge.runner.health import HealthSnapshot
from fedge.runner.result import Result
from fedge.system.json_types import Json, JsonObject

PICTURES_PER_SECOND, STATES_PER_SECOND = 12, 8
WIDEST, JPEG_QUALITY = 640, 80
CHANGES = 30
# The page shows it not much larger.
INPUT_SIDE = 96


class Feed:
    """Turns results and health into what the channels carry; encodes only while somebody watches.

    Args:
        labels: the class names, in output order.
        recipe: the model's preprocessing, for the region.
        pictures_per_second: how many are encoded at most.
        clock: gives seconds that only go forward.
        regions: the names of the run's regions, in their order; none where it has no named ones.
        classifiers: of each region, where they are of several cameras; else `labels` and `recipe` are those of all.

    Attributes:
        pictures: of the camera, or the first of several.
        cameras: the pictures of each of several cameras, by its name.
        states: everything else.
    """

    def __init__(
        self,
        labels: Sequence[str],
        recipe: Recipe,
        pictures_per_second: float = PICTURES_PER_SECOND,
        clock: Callable[[], float] = monotonic,
        regions: Sequence[str] = (),
        classifiers: Mapping[str, Classifier] | None = None,
    ) -> None:
        self._picture_pause, self._clock = 1 / pictures_per_second, clock
        self.pictures, self.states = Channel(), Channel()
        self.cameras: dict[str, Channel] = {}
        self._classifiers = classifiers or {}
        self._labels, self._recipe = list(labels), recipe
        self._lock = Lock()
        self._changes: deque[JsonObject] = deque(maxlen=CHANGES)
        self._latency = LatencyHistory()
        self._state: JsonObject | None = None
        self._health: JsonObject | None = None
        self._input: Picture | None = None
        self._names = tuple(regions)
        self._regions: dict[str, JsonObject] = {}
        self._state_at = 0.0
        # A camera's pictures come with the first of its regions, or every picture would come once for each.
        self._pictures_with = {(self._names or ("",))[0]: self.pictures}
        for name in self._classifiers:
            if camera_of(name) not in self.cameras:
                self.cameras[camera_of(name)] = self._pictures_with.setdefault(name, Channel())
        self._pictures_at = dict.fromkeys(self._pictures_with, 0.0)

    def show(self, result: Result) -> None:
        """Takes an answer."""
        now = self._clock()
        with self._lock:
            self._latency.add(now, result.age_ms, result.answer.infer_ms)
            if result.decision.changed:
                self._changes.appendleft(change(result))
            described = self._describe(result)
            if result.region:
                self._regions[result.region] = {"name": result.region, **self._own_model(result.region), **described}
            # With several regions the answer stays with the first, so that it does not flicker.
            if result.region in ("", *self._names[:1]):
                self._state, self._input = described, result.answer.image
        if result.decision.changed or now - self._state_at >= 1 / STATES_PER_SECOND:
            self._state_at = now
            self._publish_state()
        pictures = self._pictures_with.get(result.region)
        if pictures and pictures.clients and now - self._pictures_at[result.region] >= self._picture_pause:
            self._pictures_at[result.region] = now
            pictures.publish(encode(result.frame.picture))

    def health(self, snapshot: HealthSnapshot) -> None:
        """Takes the runner's health."""
        with self._lock:
            self._health = snapshot.to_json()
        self._publish_state()

    def everything(self) -> bytes:
        """All that a page needs at first, as JSON: labels, model, state, input, health, changes, latency, now.

        And `regions` where there are named ones: of each its `name` and what `state` has, which is of the first; with
        several cameras its `model` and the `labels` of that, too.
        """
        with self._lock:
            return _json(
                {
                    "labels": self._labels,
                    "model": self._health and self._health["model"],
                    "state": self._state,
                    "input": self._encoded_input(),
                    "health": self._health,
                    "changes": list(self._changes),
                    "latency": self._latency.points(),
                    "now": self._latency.bucket(self._clock()),
                    **self._listed_regions(),
                }
            )

    def _publish_state(self) -> None:
        if self.states.clients:
            with self._lock:
                news: JsonObject = {"state": self._state, "health": self._health, "changes": list(self._changes)}
                news |= self._listed_regions()
                latency = {"point": self._latency.newest(), "now": self._latency.bucket(self._clock())}
                self.states.publish(_json({**news, **latency, "input": self._encoded_input()}))

    def _listed_regions(self) -> JsonObject:
        return (
            {"regions": [self._regions[name] for name in self._names if name in self._regions]} if self._names else {}
        )

    def _encoded_input(self) -> str | None:
        return None if self._input is None else encode_input(self._input)

    def _own_model(self, region: str) -> JsonObject:
        own = self._classifiers.get(region)
        return {} if own is None else {"model": own.model.manifest.name, "labels": list[Json](own.labels)}

    def _describe(self, result: Result) -> JsonObject:
        height, width = result.frame.picture.shape[:2]
        begin_x, begin_y, end_x, end_y = result.box or (0, 0, width, height)
        own = self._classifiers.get(result.region)
        recipe = self._recipe if own is None else own.model.manifest.preprocessing
        top, left, seen_height, seen_width = seen(recipe, end_y - begin_y, end_x - begin_x)
        top, left = top + begin_y, left + begin_x
        return result.to_json() | {
            "decision": change(result),
            "scores": [round(score, 4) for score in result.answer.probabilities],
            "seen": [left / width, top / height, seen_width / width, seen_height / height],
        }


def encode(picture: Picture) -> bytes:
    """A picture, uint8 [h, w, 3] blue-green-red or [h, w], as JPEG at most `WIDEST` pixels wide."""
    height, width = picture.shape[:2]
    if width > WIDEST:
        size = (WIDEST, max(1, round(height * WIDEST / width)))
        resized = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        return as_jpeg(np.asarray(resized, dtype=np.uint8), JPEG_QUALITY)
    return as_jpeg(picture, JPEG_QUALITY)


def encode_input(image: Picture) -> str:
    """A network's input, uint8 [h, w, 1] or [h, w, 3] red-green-blue, as a data URL: PNG, at most 96 pixels a side."""
    data = cv2.imencode(".png", resize_longest(input_to_picture(image), INPUT_SIDE))[1].tobytes()
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

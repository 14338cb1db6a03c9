"""The page's addresses."""

from collections.abc import Callable
from importlib import resources

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from fedge.outputs.web.api import PictureClassifier, api_routes, refused
from fedge.outputs.web.channel import Channel
from fedge.outputs.web.feed import Feed
from fedge.outputs.web.guard import Guard
from fedge.outputs.web.streams import BOUNDARY, Stream, event, part

SEND_SECONDS = 10.0
_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/chart.js": ("chart.js", "text/javascript"),
    "/live.js": ("live.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def application(
    feed: Feed,
    token: str | None,
    cookie: str,
    send_seconds: float = SEND_SECONDS,
    pictures: PictureClassifier | None = None,
) -> ASGIApp:
    """The page, its files, `/live.mjpg`, `/events` (server-sent) and `/state` (JSON), all behind the guard.

    With several cameras `/live/CAMERA.mjpg` of each, and with `pictures` `/api/classify` and `/api/info`, too.
    """
    live = _live(feed.pictures, send_seconds)
    news = Stream(feed.states, "text/event-stream", event, lambda: event(feed.everything()), send_seconds)
    files = [Route(path, _file(name, kind)) for path, (name, kind) in _FILES.items()]

    def state(request: Request) -> Response:
        return Response(feed.everything(), media_type="application/json")

    streams = [Route("/live.mjpg", live, methods=["GET"]), Route("/events", news, methods=["GET"])]
    for camera, channel in feed.cameras.items():
        streams.append(Route(f"/live/{camera}.mjpg", _live(channel, send_seconds), methods=["GET"]))
    programs = [] if pictures is None else api_routes(pictures)
    routes = [*files, *streams, Route("/state", state), *programs]
    return Guard(Starlette(routes=routes, exception_handlers={HTTPException: refused}), token, cookie)


def _live(pictures: Channel, send_seconds: float) -> Stream:
    return Stream(pictures, f"multipart/x-mixed-replace; boundary={BOUNDARY.decode()}", part, bytes, send_seconds)


def _file(name: str, media_type: str) -> Callable[[Request], Response]:
    content = resources.files("fedge.outputs.web").joinpath("page", name).read_bytes()
    return lambda request: Response(content, media_type=media_type)

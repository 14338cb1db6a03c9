"""What programs ask the page's server: a picture of theirs classified, and what classifies it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import monotonic

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from fedge import __version__
from fedge.errors import DataError
from fedge.images.picture import decode_with_notes
from fedge.model.classifier import Classifier
from fedge.options import DecisionOptions
from fedge.runner.decisions import Decider
from fedge.runner.result import Result
from fedge.sources.base import Frame
from fedge.system.json_types import JsonObject

PREFIX = "/api/"
MOST_BYTES = 16 << 20
# Each holds its picture's bytes until its turn comes.
MOST_WAITING = 4
SOURCE = "POST /api/classify"


class PictureClassifier:
    """Classifies single pictures beside the run, as `fedge run MODEL --source PICTURE` would; from any thread.

    It has a network of its own, loaded on the first picture and again where the run has another model: that of the run
    is in use by its loop. A background belongs to the run's camera and is left out.

    Args:
        running: gives the run's classifier; from any thread.
        decision: the run's bounds of a decision.
    """

    def __init__(self, running: Callable[[], Classifier], decision: DecisionOptions) -> None:
        self._running, self._decision = running, decision
        self._lock = Lock()
        self._own: Classifier | None = None
        self._number = 0

    def classify(self, data: bytes) -> JsonObject:
        """The fields of `fedge run --json` for a picture file of this content; raises DataError."""
        came = monotonic()
        # One at a time: a large picture takes much memory, and the run needs the processor.
        with self._lock:
            running = self._running()
            if self._own is None or self._own.model is not running.model:
                self._own = Classifier(running.model, running.reject)
            picture, _ = decode_with_notes(Path("the picture"), data)
            frame = Frame(picture, SOURCE, came, datetime.now(UTC))
            answer = self._own.classify(picture)
            decider = Decider(self._own.labels, 0.0, self._decision.enter, self._decision.leave)
            decision = decider.update(answer.evidence, came, frame.time)
            age_ms = (monotonic() - came) * 1e3
            result = Result(self._number, frame, answer, age_ms, decision, running.model.sha256)
            self._number += 1
        return result.to_json()

    def info(self) -> JsonObject:
        """What classifies: the model's name, labels and hash, its input, and from which scores on it answers."""
        running = self._running()
        model, manifest = running.model, running.model.manifest
        recipe, below = manifest.preprocessing, manifest.confidence.reject_below
        return {
            "model": manifest.name,
            "labels": list(model.labels),
            "sha256": model.sha256,
            "build": model.sha256[:12],
            "version": __version__,
            "input": {
                "height": recipe.height,
                "width": recipe.width,
                "channels": recipe.channels,
                "color": recipe.color,
            },
            "subject": recipe.subject,
            "thresholds": {
                "reject": running.reject,
                "score": manifest.confidence.score,
                "normal": below.normal,
                "strict": below.strict,
                "enter": self._decision.enter,
                "leave": self._decision.leave,
            },
            "most_bytes": MOST_BYTES,
        }


def api_routes(pictures: PictureClassifier) -> list[Route]:
    """`POST /api/classify` and `GET /api/info`."""
    waiting = asyncio.Semaphore(MOST_WAITING)

    async def classify(request: Request) -> Response:
        if waiting.locked():
            busy = refusal(503, f"{MOST_WAITING} pictures are waiting already", "send it again in a second")
            busy.headers["Retry-After"] = "1"
            return busy
        async with waiting:
            try:
                data = await _read(request)
                return JSONResponse(await run_in_threadpool(pictures.classify, data))
            except _Refused as refused:
                return refused.response
            except DataError as error:
                return refusal(415, error.what, "send the bytes of a JPEG or PNG file, or another that OpenCV decodes")

    def info(request: Request) -> Response:
        return JSONResponse(pictures.info())

    return [Route(f"{PREFIX}classify", classify, methods=["POST"]), Route(f"{PREFIX}info", info, methods=["GET"])]


def refusal(status: int, what: str, mend: str) -> JSONResponse:
    """A refusal as JSON: `error`, what is wrong, and `mend`, what the caller can do about it."""
    return JSONResponse({"error": what, "mend": mend}, status)


async def refused(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: as JSON under `/api/`, as plain text elsewhere."""
    assert isinstance(error, HTTPException)
    if not request.url.path.startswith(PREFIX):
        return PlainTextResponse(error.detail, error.status_code, headers=error.headers)
    what = f"{request.method} {request.url.path}: {error.detail}"
    response = refusal(error.status_code, what, "there are POST /api/classify and GET /api/info")
    response.headers.update(error.headers or {})
    return response


class _Refused(Exception):
    def __init__(self, status: int, what: str, mend: str, close: bool = False) -> None:
        super().__init__(what)
        self.response = refusal(status, what, mend)
        if close:
            # What is still to come of the picture is not read.
            self.response.headers["Connection"] = "close"


async def _read(request: Request) -> bytes:
    """The picture's bytes; raises _Refused for none, too many, or those of a form."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        mend = "send the file's bytes as the body: curl --data-binary @picture.jpg"
        raise _Refused(415, "the picture is within a form", mend, close=True)
    claimed = request.headers.get("content-length", "0")
    data = bytearray()
    too_large = f"the picture has more than {MOST_BYTES >> 20} MiB"
    if claimed.isdigit() and int(claimed) > MOST_BYTES:
        raise _Refused(413, too_large, "make it smaller", close=True)
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > MOST_BYTES:
                raise _Refused(413, too_large, "make it smaller", close=True)
    except ClientDisconnect as error:
        raise _Refused(400, "the picture did not come whole", "send it again", close=True) from error
    if not data:
        raise _Refused(400, "there is no picture in the request", "send one: curl --data-binary @picture.jpg")
    return bytes(data)

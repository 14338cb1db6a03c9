"""The web page as an output: a server in a thread of its own."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from threading import Event, Thread

import uvicorn

from fedge.errors import OutputError
from fedge.images.preprocess import Recipe
from fedge.model.classifier import Classifier
from fedge.options import Address
from fedge.outputs.base import Output
from fedge.outputs.web.api import PictureClassifier
from fedge.outputs.web.application import SEND_SECONDS, application
from fedge.outputs.web.feed import PICTURES_PER_SECOND, Feed
from fedge.outputs.web.request_timeout import REQUEST_SECONDS, with_request_timeout
from fedge.runner.health import HealthSnapshot
from fedge.runner.result import Result

MAX_CONNECTIONS = 64
_START_SECONDS = 10.0
_STOP_SECONDS = 0.8


class WebPage(Output):
    """Serves the page; raises OutputError where it cannot listen.

    Args:
        address: where to listen.
        token: what a visitor must give, ASCII; None for nothing, which only a loopback address allows.
        labels: the class names, in output order.
        recipe: the model's preprocessing.
        send_seconds: how long a client may leave a message unread before it is dropped.
        max_connections: with so many open, the newest is refused.
        request_seconds: how long a client may take to say what it wants.
        pictures_per_second: how many the page gets at most.
        pictures: answers programs that send a picture; None: nothing does.
        regions: the names of the run's regions; none where it has no named ones.
        classifiers: of each region, where they are of several cameras.
    """

    name, backlog, wants_pictures = "web", 1, True

    def __init__(
        self,
        address: Address,
        token: str | None,
        labels: Sequence[str],
        recipe: Recipe,
        send_seconds: float = SEND_SECONDS,
        max_connections: int = MAX_CONNECTIONS,
        request_seconds: float = REQUEST_SECONDS,
        pictures_per_second: float = PICTURES_PER_SECOND,
        pictures: PictureClassifier | None = None,
        regions: Sequence[str] = (),
        classifiers: Mapping[str, Classifier] | None = None,
    ) -> None:
        # The newest of each region; of one alone the others' would be dropped.
        self.backlog = max(1, len(regions))
        if token is None and not address.is_loopback:
            raise OutputError(f"a web page on {address} needs a token", "give one, or use 127.0.0.1")
        self.feed = Feed(labels, recipe, pictures_per_second, regions=regions, classifiers=classifiers)
        self._socket = _listen(address, send_seconds)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            application(self.feed, token, f"fedge-{self.port}", send_seconds, pictures),
            http=with_request_timeout(request_seconds),
            ws="none",
            lifespan="off",
            # uvicorn's log would hold addresses with tokens.
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=max_connections,
        )
        self._server = uvicorn.Server(config)
        self._started = Event()
        self._thread = Thread(target=self._serve, name="fedge-web-server", daemon=True)
        self._thread.start()
        self._started.wait(_START_SECONDS)

    @property
    def counts_losses(self) -> bool:
        """Never: only the newest of each region matters."""
        return False

    def show(self, result: Result) -> None:
        """Takes an answer; raises OutputError where the server has died."""
        self._require_server()
        self.feed.show(result)

    def health(self, snapshot: HealthSnapshot) -> None:
        """Takes the runner's health; raises OutputError where the server has died."""
        self._require_server()
        self.feed.health(snapshot)

    def close(self) -> None:
        """Stops listening and drops all clients."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(_STOP_SECONDS)

    def _serve(self) -> None:
        async def serve() -> None:
            for channel in {self.feed.pictures, self.feed.states, *self.feed.cameras.values()}:
                channel.attach()
            self._started.set()
            await self._server.serve(sockets=[self._socket])

        with asyncio.Runner() as runner:
            runner.run(serve())

    def _require_server(self) -> None:
        if not self._thread.is_alive():
            raise OutputError("the web server has ended", "start fedge again")


def _listen(address: Address, send_seconds: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it: the kernel ends those whose other side takes nothing any more.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(send_seconds * 1e3))
        listening.bind((address.host, address.port))
        listening.listen(MAX_CONNECTIONS)
    except OSError as error:
        listening.close()
        raise OutputError(
            f"{address} cannot be listened on ({error.strerror or error})", "give --web another address or port"
        ) from error
    return listening

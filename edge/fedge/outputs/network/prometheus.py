"""Metrics for Prometheus to scrape."""

import socket
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic
from typing import Any

from fedge.errors import OutputError
from fedge.options import Address
from fedge.outputs.base import Output
from fedge.outputs.network.addresses import names_loopback
from fedge.outputs.network.prometheus_text import Histogram, info, labelled, of_regions, single
from fedge.runner.health import Health
from fedge.runner.result import Result

# From a fast network on a fast machine to a stream that lags.
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
UNKNOWN = "unknown"
SCRAPE_SECONDS = 5.0
MOST_SCRAPES = 16


class Metrics(Output):
    """Counts every answer, and serves the counts at /metrics; raises OutputError where it cannot listen.

    Args:
        address: where to listen.
        health: asked at each scrape.
        scrape_seconds: how long a scrape may take.
        most_scrapes: with so many at once, the newest is refused.
    """

    name, inline = "metrics", True

    def __init__(
        self,
        address: Address,
        health: Health,
        scrape_seconds: float = SCRAPE_SECONDS,
        most_scrapes: int = MOST_SCRAPES,
    ) -> None:
        self._lock = Lock()
        self._health = health
        self._age, self._infer = Histogram(BOUNDS_S), Histogram(BOUNDS_S)
        self._answers: Counter[tuple[str, str]] = Counter()
        self._changes: Counter[tuple[str, str]] = Counter()
        try:
            self._server = _Server(address, self, scrape_seconds, most_scrapes)
        except OSError as error:
            raise OutputError(
                f"{address} cannot be listened on ({error})", "give --metrics another address or port"
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name="fedge-metrics-server", daemon=True)
        self._thread.start()

    def show(self, result: Result) -> None:
        """Counts an answer."""
        with self._lock:
            self._age.add(result.age_ms / 1e3)
            self._infer.add(result.answer.infer_ms / 1e3)
            self._answers[result.region, UNKNOWN if result.answer.label is None else result.answer.label] += 1
            if result.decision.changed:
                self._changes[result.region, UNKNOWN if result.decision.label is None else result.decision.label] += 1

    def text(self) -> str:
        """All metrics in the Prometheus text format, version 0.0.4."""
        now = self._health.snapshot()
        working = {name: int(not status.failing) for name, status in now.outputs.items()}
        dropped = {name: status.dropped for name, status in now.outputs.items()}
        lines = [
            *single("fedge_frames_total", "counter", "Frames answered.", now.frames),
            *single("fedge_frames_dropped_total", "counter", "Frames not answered.", now.dropped),
            *single("fedge_frames_per_second", "gauge", "Frames answered a second.", now.frames_per_second),
            *single("fedge_uptime_seconds", "gauge", "Seconds since the start.", now.uptime_s),
            *single("fedge_recoveries_total", "counter", "How often frames came again.", now.recoveries),
            *single("fedge_running", "gauge", "1 while frames come, 0 otherwise.", int(now.state == "running")),
            *labelled("fedge_faults_total", "counter", "Faults of the source.", "kind", now.faults),
            *labelled("fedge_output_ok", "gauge", "0 for an output that fails.", "output", working),
            *labelled("fedge_output_dropped_total", "counter", "Results lost to an output.", "output", dropped),
        ]
        if now.cameras:
            running = {name: int(state == "running") for name, state in now.cameras.items()}
            lines += labelled("fedge_camera_running", "gauge", "1 while its frames come.", "camera", running)
        if now.model is not None:
            facts = {"name": now.model.name, "build": now.model.build, "version": now.model.version}
            lines += info("fedge_model_info", "The model that answers, and the version of fedge.", facts)
        if now.last_frame_age_s is not None:
            lines += single("fedge_last_frame_age_seconds", "gauge", "The newest frame's age.", now.last_frame_age_s)
        with self._lock:
            lines += self._age.lines("fedge_latency_seconds", "From a frame's capture to its answer.")
            lines += self._infer.lines("fedge_inference_seconds", "The network alone.")
            lines += of_regions("fedge_answers_total", "counter", "Answers to single frames.", self._answers)
            lines += of_regions("fedge_changes_total", "counter", "Changes of the decision.", self._changes)
        return "\n".join(lines) + "\n"

    def close(self) -> None:
        """Stops listening and drops all clients."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """A thread per connection; each has a deadline, whatever its client does or does not."""

    def __init__(self, address: Address, metrics: Metrics, scrape_seconds: float, most_scrapes: int) -> None:
        self._scrape_seconds, self._most_scrapes = scrape_seconds, most_scrapes
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self.loopback, self.metrics = address.is_loopback, metrics
        self._deadlines: dict[socket.socket, float] = {}
        super().__init__((address.host, address.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Starts a connection's thread, unless there are too many."""
        if len(self._deadlines) >= self._most_scrapes:
            self.shutdown_request(request)
            return
        self._deadlines[request] = monotonic() + self._scrape_seconds
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """A connection is over."""
        self._deadlines.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called several times a second: ends what is overdue."""
        now = monotonic()
        for request, deadline in self._deadlines.copy().items():
            if now > deadline:
                _hang_up(request)

    def server_close(self) -> None:
        """Ends everything."""
        super().server_close()
        for request in self._deadlines.copy():
            _hang_up(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A scraper that hangs up is no error of ours."""


def _hang_up(request: socket.socket) -> None:
    # Its thread closes it, perhaps just now.
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.server.loopback and not names_loopback(self.headers.get("Host", "")):
            self.send_error(403)
            return
        if self.path != "/metrics":
            self.send_error(404)
            return
        body = self.server.metrics.text().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Standard error is for errors."""

"""What the outputs cost the loop: the time that `Hub.show` takes of it, as a share of classifying a frame.

Prints the ratio of a frame's time with all outputs at work, a broken one and a watched web page among them, to its
time with none; both are measured in turns, in one run. Run it as `python tests/bench/outputs.py`.
"""

import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, sleep

import numpy as np

from fedge.images.picture import Picture
from fedge.model.classifier import Classifier, load
from fedge.options import Address, parse_webhook
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.files.csv_file import CsvFile
from fedge.outputs.files.sqlite_file import SqliteFile
from fedge.outputs.network.prometheus import Metrics
from fedge.outputs.network.webhook import Webhook
from fedge.outputs.web.server import WebPage
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.result import Result
from fedge.sources.base import Frame

ROUNDS, FRAMES = 20, 30
# At the rate of a camera, as outputs will be used; without pauses their threads would compete with the loop.
FRAME_SECONDS = 1 / 30


def main() -> None:
    """Prints one line."""
    classifier, health = load(None), Health()
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    decider = Decider(classifier.labels, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        page = WebPage(Address("127.0.0.1", 0), None, classifier.labels, classifier.model.manifest.preprocessing)
        outputs = [
            CsvFile(Path(folder) / "log.csv", 10_000_000, 2),
            SqliteFile(Path(folder) / "log.db", 100_000),
            Metrics(Address("127.0.0.1", 0), health),
            # Nobody listens there: it fails all the time.
            Webhook(parse_webhook("http://127.0.0.1:1/")),
            page,
        ]
        with socket.create_connection(("127.0.0.1", page.port)) as viewer:
            viewer.sendall(b"GET /live.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
            hubs = {"with": Hub(outputs, health), "without": Hub([], health)}
            times: dict[str, list[float]] = {name: [] for name in hubs}
            for _ in range(ROUNDS):
                for name, hub in hubs.items():
                    times[name] += [_frame(hub.show, classifier, decider, picture) for _ in range(FRAMES)]
            for hub in hubs.values():
                hub.close()
    ratio = median(times["with"]) / median(times["without"])
    print(
        f"a frame takes {median(times['with']) * 1e3:.3f} ms with outputs, {median(times['without']) * 1e3:.3f} ms "
        f"without: ratio {ratio:.3f} (medians of {ROUNDS * FRAMES})"
    )


def _frame(show: Callable[[Result], None], classifier: Classifier, decider: Decider, picture: Picture) -> float:
    frame = Frame(picture, "noise")
    started = perf_counter()
    answer = classifier.classify(picture)
    decision = decider.update(answer.evidence, frame.moment, frame.time)
    show(Result(0, frame, answer, (monotonic() - frame.captured) * 1e3, decision))
    taken = perf_counter() - started
    sleep(max(0.0, FRAME_SECONDS - taken))
    return taken


if __name__ == "__main__":
    main()

"""What a run begins with and ends with, for people at a terminal."""

import shutil
from collections import Counter
from collections.abc import Sequence
from textwrap import shorten

from fedge.images.preprocess import Recipe
from fedge.outputs.base import Output
from fedge.runner.health import HealthSnapshot
from fedge.runner.result import Result
from fedge.system.console import echo, printable

UNKNOWN = "unknown"


def opening(model: str, labels: Sequence[str], recipe: Recipe, source: str, live: bool) -> list[str]:
    """The lines that a run begins with: model and classes, input, source, and how to stop it; each fits a row."""
    width = shutil.get_terminal_size().columns - len("fedge: ") - 1
    seen = "the object, cut out" if recipe.cut_out is not None else "the whole picture"
    end = "Ctrl-C stops it" if live else "it ends with the last picture, or with Ctrl-C"
    lines = [
        f"{model} knows {len(labels)} classes: {', '.join(labels)}",
        f"it sees {seen}, {recipe.width}x{recipe.height} {recipe.color}",
        f"from {source}; {end}",
    ]
    return [shorten(printable(line), width, placeholder=" ...") for line in lines]


class Summary(Output):
    """Counts the answers and says at the end how many frames there were of what, how fast, and what went wrong."""

    name, inline = "summary", True

    def __init__(self) -> None:
        self._answers: Counter[str] = Counter()
        self._snapshot: HealthSnapshot | None = None

    def show(self, result: Result) -> None:
        """Counts an answer."""
        label = UNKNOWN if result.answer.label is None else result.answer.label
        self._answers[f"{result.region}: {label}" if result.region else label] += 1

    def health(self, snapshot: HealthSnapshot) -> None:
        """Keeps the newest health."""
        self._snapshot = snapshot

    def close(self) -> None:
        """Says it."""
        for line in self.lines():
            echo(line)

    def lines(self) -> list[str]:
        """The summary."""
        health = self._snapshot
        if health is None:
            return []
        rate = health.frames / health.uptime_s if health.uptime_s else 0.0
        lines = [f"{health.frames:,} frames in {health.uptime_s:,.1f} s, {rate:.1f} a second"]
        if self._answers:
            counts = ", ".join(f"{label} {count:,}" for label, count in self._answers.most_common())
            lines.append(f"answers: {printable(counts)}")
        if health.faults:
            faults = ", ".join(f"{kind} {count:,}" for kind, count in health.faults.items())
            lines.append(f"faults: {faults}; frames came again {health.recoveries:,} times")
        # What an output lost is said by the hub, as each output ends.
        return lines

"""Numbers in the Prometheus text format."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence


class Histogram:
    """Counts values by upper bounds, as a Prometheus histogram does."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Counts a value into the first bucket whose bound is not below it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, text: str) -> list[str]:
        """The histogram's lines, each count including the smaller buckets'."""
        result, total = _head(name, "histogram", text), 0
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            result.append(f'{name}_bucket{{le="{bound}"}} {total}')
        return [*result, f"{name}_sum {self._sum}", f"{name}_count {total}"]


def single(name: str, kind: str, text: str, value: float) -> list[str]:
    """A metric of one value; `kind` is `counter` or `gauge`."""
    return [*_head(name, kind, text), f"{name} {value}"]


def labelled(name: str, kind: str, text: str, key: str, values: Mapping[str, float]) -> list[str]:
    """A metric of a value per label `key`."""
    lines = [f'{name}{{{key}="{_escape(label)}"}} {value}' for label, value in values.items()]
    return [*_head(name, kind, text), *lines]


def of_regions(name: str, kind: str, text: str, values: Mapping[tuple[str, str], float]) -> list[str]:
    """A metric of a value per region and label; a region without a name is left out."""
    lines = []
    for (region, label), value in values.items():
        where = f'region="{_escape(region)}",' if region else ""
        lines.append(f'{name}{{{where}label="{_escape(label)}"}} {value}')
    return [*_head(name, kind, text), *lines]


def info(name: str, text: str, labels: Mapping[str, str]) -> list[str]:
    """A metric whose value is always 1, and whose labels say what there is."""
    listed = ",".join(f'{key}="{_escape(value)}"' for key, value in labels.items())
    return [*_head(name, "gauge", text), f"{name}{{{listed}}} 1"]


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _escape(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

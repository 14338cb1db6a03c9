"""The page of a study: accuracy against bytes and milliseconds, in a file that needs nothing else."""

from collections.abc import Callable, Sequence
from html import escape

from fedge_quantize.tuning.settings import TuneOptions
from fedge_quantize.tuning.study import Row, best_of, pareto

_WIDTH, _HEIGHT, _MARGIN = 640, 360, 60
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
table { border-collapse: collapse; width: 100% } td, th { padding: .2rem .6rem; text-align: left }
tr:nth-child(even) { background: #8882 } svg { max-width: 100% } .best { font-weight: bold }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } }
"""


def page(found: Sequence[Row], options: TuneOptions) -> str:
    """The page as HTML: a plot for each cost that was measured, and all trials."""
    best = best_of(found)
    plots = [
        _plot(found, cost, title, limit, best)
        for cost, title, limit in (
            ("bytes", "bytes", options.max_bytes),
            ("ms", "milliseconds for a frame", options.max_ms),
        )
        if pareto(found, cost)
    ]
    data = escape(", ".join(options.data))
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>fedge tune: {data}</title><style>{_STYLE}</style><h1>{data}</h1>"
        "<p>Accuracy of int8 networks on held-out pictures. The line joins the trials that no other beats at the same "
        f"cost; hollow ones break a limit or the gate.</p>{''.join(plots)}{_table(found, best)}</html>\n"
    )


def _plot(found: Sequence[Row], cost: str, title: str, limit: float | None, best: Row | None) -> str:
    shown = [row for row in found if row.accuracy is not None and getattr(row, cost) is not None]
    most = max([*(getattr(row, cost) for row in shown), limit or 0]) * 1.05
    low, high = min(row.accuracy or 0 for row in shown), max(row.accuracy or 0 for row in shown)
    low, high = low - 0.05 * (high - low) - 0.001, high + 0.05 * (high - low) + 0.001

    def place(x: float, accuracy: float) -> tuple[float, float]:
        across = _MARGIN + x / most * (_WIDTH - 2 * _MARGIN)
        return across, _HEIGHT - _MARGIN - (accuracy - low) / (high - low) * (_HEIGHT - 2 * _MARGIN)

    left, bottom = place(0, low)
    right, top = place(most, high)
    marks = [
        f"<path d='M{left},{top}V{bottom}H{right}' fill=none stroke=currentColor />",
        _text(_WIDTH / 2, _HEIGHT - 12, title),
        _text(left - 8, top + 4, f"{high:.1%}", "end"),
        _text(left - 8, bottom, f"{low:.1%}", "end"),
        _text(left, bottom + 18, "0"),
        _text(right, bottom + 18, f"{most:,.0f}" if most >= 100 else f"{most:.2f}"),
    ]
    if limit:
        x, _ = place(limit, low)
        marks.append(f"<path d='M{x:.1f},{top}V{bottom}' stroke=currentColor stroke-dasharray=4 opacity=.5 />")
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_at(row, cost, place) for row in pareto(shown, cost)))
    marks.append(f"<polyline points='{line}' fill=none stroke=#00897b stroke-width=2 />")
    for row in shown:
        x, y = _at(row, cost, place)
        fill = "#e65100" if row == best else "#00897b" if row.feasible else "none"
        about = escape(f"trial {row.number}: {row.architecture}, {row.accuracy:.2%}, {getattr(row, cost):,}")
        marks.append(f"<circle cx={x:.1f} cy={y:.1f} r=5 fill='{fill}' stroke=#00897b><title>{about}</title></circle>")
    return f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role=img aria-label='accuracy by {title}'>{''.join(marks)}</svg>"


def _at(row: Row, cost: str, place: Callable[[float, float], tuple[float, float]]) -> tuple[float, float]:
    return place(getattr(row, cost), row.accuracy or 0.0)


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f"<text x={x:.1f} y={y:.1f} fill=currentColor font-size=12 text-anchor={anchor}>{text}</text>"


def _table(found: Sequence[Row], best: Row | None) -> str:
    titles = ("trial", "accuracy", "bytes", "ms", "network", "quantized", "run")
    head = "".join(f"<th>{title}" for title in titles)
    lines = []
    for row in sorted(found, key=lambda row: -(row.accuracy or 0)):
        accuracy = row.reason or row.state if row.accuracy is None else f"{row.accuracy:.2%}"
        size = "" if row.bytes is None else f"{row.bytes:,}"
        took = "" if row.ms is None else f"{row.ms:.2f}"
        network = f"{row.architecture} at {row.size} px"
        cells = (row.number, accuracy, size, took, network, row.method or "", row.run or "")
        mark = " class=best" if row == best else ""
        lines.append(f"<tr{mark}>" + "".join(f"<td>{escape(str(cell))}" for cell in cells))
    return f"<table><tr>{head}{''.join(lines)}</table>"

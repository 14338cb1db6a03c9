"""The `fedge tune` command's work."""

from dataclasses import asdict, dataclass

from fedge.system.console import printable
from fedge.system.files import write_bytes
from fedge.system.json_types import JsonObject
from fedge_quantize.tuning.measure import require_device
from fedge_quantize.tuning.page import page
from fedge_quantize.tuning.search import search
from fedge_quantize.tuning.settings import TuneOptions
from fedge_quantize.tuning.study import Row, best_of, open_study, pareto, rows

PAGE = "tune.html"


@dataclass(frozen=True)
class TuneReport:
    """What the study has come to.

    Attributes:
        trials: how many have ended, of all workers and earlier calls.
        pruned, failed: how many of these were given up, or broke off.
        best: the most accurate within all limits; None where there is none.
        pareto_bytes, pareto_ms: the trials that none is as accurate as at fewer bytes, or less time.
        page: the file with the plot.
    """

    trials: int
    pruned: int
    failed: int
    best: Row | None
    pareto_bytes: tuple[Row, ...]
    pareto_ms: tuple[Row, ...]
    page: str


def tune(options: TuneOptions) -> TuneReport:
    """Searches for the best network, and writes the page. Raises FedgeError."""
    if options.device is not None:
        require_device(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    study = open_study(options)
    try:
        search(study, options)
    finally:
        found = rows(study)
        write_bytes(options.out / PAGE, page(found, options).encode())
    return TuneReport(
        trials=len(found),
        pruned=sum(row.state == "pruned" for row in found),
        failed=sum(row.state == "failed" for row in found),
        best=best_of(found),
        pareto_bytes=tuple(pareto(found, "bytes")),
        pareto_ms=tuple(pareto(found, "ms")),
        page=str(options.out / PAGE),
    )


def as_text(report: TuneReport) -> str:
    """The report for people."""
    lines = [f"{report.trials} trials, {report.pruned} of them given up early, {report.failed} broken off"]
    for row in report.pareto_bytes:
        lines.append(
            f"  {row.bytes or 0:9,} bytes  {row.accuracy or 0:7.2%} held out  {row.architecture}, {row.method}"
        )
    best = report.best
    if best is None:
        lines.append("no trial keeps all limits and passes the gate; allow more, or give it more trials")
    else:
        lines += [
            f"best: {best.accuracy:.2%} of the held-out pictures in int8, {best.bytes:,} bytes: {best.run}",
            "the most of many is a lucky one too: `fedge quantize` on it opens the test pictures, and tells the truth",
        ]
    return "\n".join(map(printable, [*lines, f"the plot is in {report.page}"]))


def as_json(report: TuneReport) -> JsonObject:
    """The report's fields."""
    return asdict(report)

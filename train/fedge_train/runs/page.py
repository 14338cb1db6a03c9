"""`report.html` of a run folder: what training and quantizing found, in words and pictures, in one file.

It is made from what stands in the folder, by `fedge train` and again by `fedge quantize`, and needs nothing else.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from fedge.evaluation.fitness import wilson
from fedge.system.files import write_bytes

PAGE = "report.html"
QUANTIZED = Path("quantize", "report.json")
_SHOWN = 20


@dataclass(frozen=True)
class _Section:
    """A heading, a sentence on how to read what is below it, the run folder's picture if there is one, and a table."""

    title: str
    text: str
    picture: str | None = None
    more: str = ""


def write_page(folder: Path) -> None:
    """Writes the page of a finished run, quantized or not."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    quantized = json.loads((folder / QUANTIZED).read_text(encoding="utf-8")) if (folder / QUANTIZED).is_file() else None
    sections = [*_of_training(report), *_of_pictures(report.get("enough")), *_of_quantizing(quantized)]
    shown = "".join(_html(folder, section) for section in sections if _is_there(folder, section))
    title = f"{report['architecture']} on {report['data']}"
    page = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_STYLE}</style>\n</head>\n'
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n{_fitness(report, quantized)}{shown}</main>\n</body>\n</html>\n"
    )
    write_bytes(folder / PAGE, page.encode(errors="backslashreplace"))


def _fitness(report: dict[str, Any], quantized: dict[str, Any] | None) -> str:
    n, kind = report["n"], _pictures_of(report)
    seen = "that it had never seen" if kind == "test" else "on which its epoch was chosen: the test ones are closed yet"
    hits = round(report["accuracy"] * n)
    low, high = wilson(hits, n)
    lines = [
        f"It is right on {hits:,} of {n:,} {kind} pictures {seen}, {report['accuracy']:.0%}; on many "
        f"more such pictures it would be right on {low:.0%} to {high:.0%} (each bound with 95% confidence)."
    ]
    weakest = min(report["per_class"].items(), key=lambda item: item[1]["recall"])
    lines.append(f"It knows {weakest[0]} worst: {weakest[1]['recall']:.0%} of its pictures are recognized.")
    lines += report.get("enough", {}).get("sentences", [])
    if quantized is None:
        lines.append(f"It is not yet a model file: run `fedge quantize {report['run']}`.")
    else:
        lines.append(_of_the_file(quantized))
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>\n"


def _pictures_of(report: dict[str, Any]) -> str:
    """Which pictures a report's figures are of; older reports do not say that it is the test ones."""
    return "held-out" if report.get("judged_on") == "held_out" else "test"


def _of_the_file(quantized: dict[str, Any]) -> str:
    change = f"{100 * quantized['int8_accuracy']:.1f}% as int8 against {100 * quantized['float_accuracy']:.1f}% before"
    bound = f"with 95% confidence it lost at most {quantized['drop_upper95_pp']:.1f} points"
    if quantized["model"] is None:
        return f"No model file was written: {change}, and {bound}, more than the {quantized['max_drop_pp']:g} allowed."
    if quantized.get("proof") == "none":
        return f"The model file is UNPROVED: {change}; {bound}, more than the {quantized['max_drop_pp']:g} allowed."
    return f"The model file is as good as the network it was made from: {change}; {bound}."


def _of_training(report: dict[str, Any]) -> list[_Section]:
    rows = [
        (label, f"{row['recall']:.0%}", f"{row['precision']:.0%}", f"{row['support']:,}")
        for label, row in report["per_class"].items()
    ]
    if "best_epoch" in report:
        kept = f"the weights of epoch {report['best_epoch']} of {report['epochs']} were kept"
    else:
        kept = f"the weights are the mean of {' and '.join(report['averaged'])}"
    pictures = _pictures_of(report)
    return [
        _Section(
            "Mistakes",
            f"{pictures.capitalize()} pictures with what the network says: its surest mistakes first (red), then some "
            "that it got right.",
            "samples.png",
        ),
        _Section(
            "Each class",
            "Recognized: the share of the class's pictures that are called so (recall). Trusted: the share of the "
            "pictures called so that are of the class (precision).",
            more=_table(("class", "recognized", "trusted", f"{pictures} pictures"), rows),
        ),
        _Section(
            "What is taken for what",
            "A row for each true class, a column for each answer: counts off the diagonal are mistakes.",
            "confusion.png",
        ),
        _Section(
            "Training",
            f"Where the held-out line no longer gets better, longer training is of no use; {kept}.",
            "curves.png",
        ),
    ]


def _of_pictures(enough: dict[str, Any] | None) -> list[_Section]:
    if enough is None:
        return []
    suspected = [
        (each["picture"], each["label"], each["looks_like"], f"{each['probability']:.0%}")
        for each in enough["mislabelled"][:_SHOWN]
    ]
    doubles = [tuple(each["pictures"]) for each in enough["near_duplicates"][:_SHOWN]]
    return [
        _Section(
            "Are the pictures enough?",
            "Accuracy on pictures that it had not learned, by how many it had learned. Where the line still rises at "
            "its right end, more pictures help. The band is two standard errors to each side.",
            "learning_curve.png",
        ),
        _Section(
            "In the wrong folder?",
            "Networks that had not learned these pictures are sure that they show another class. Where they are right, "
            "move or remove the picture.",
            "suspects.png",
            _table(("picture", "stands in", "looks like", "how surely"), suspected),
        ),
        _Section(
            "Taken for each other",
            "Pictures of one class that are taken for the other, and the other way round (red). What tells them apart "
            "must be seen in the pictures.",
            "confused.png",
        ),
        _Section(
            "Seen twice?",
            "Pairs that look alike. In different classes (red), one of them is wrong; one in training and one in the "
            "test, they make the test too easy.",
            "alike.png",
            _table(("picture", "and"), doubles),
        ),
    ]


def _of_quantizing(quantized: dict[str, Any] | None) -> list[_Section]:
    if quantized is None:
        return []
    return [
        _Section(
            "What int8 changed",
            f"{_pictures_of(quantized).capitalize()} pictures to which the model file gives another answer than the "
            f"network before: "
            f"{1 - quantized['agreement']:.1%} of {quantized['n']:,}.",
            "quantize/flips.png",
        ),
        _Section(
            "When it is unsure",
            "The further left, the more pictures are refused as unknown; the lower, the fewer mistakes among those "
            "that are answered. The marks are the modes of --reject.",
            "quantize/doubt.png",
            _calibration(quantized),
        ),
    ]


def _calibration(quantized: dict[str, Any]) -> str:
    rows = [
        (Path(source["source"]).name, mode, f"{counts['coverage']:.0%}", _percent(counts["accuracy"]))
        for source in quantized.get("doubt", [])
        for mode, counts in source["by_mode"].items()
    ]
    off = [f"{100 * source['ece']:.1f}" for source in quantized.get("doubt", [])]
    text = f"<p>A score of 80% should be right 8 times in 10: it is off by {', '.join(off)} points on average.</p>"
    return _table(("pictures", "--reject", "answered", "of these right"), rows) + (text if off else "")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _is_there(folder: Path, section: _Section) -> bool:
    return section.picture is None or (folder / section.picture).is_file()


def _html(folder: Path, section: _Section) -> str:
    picture = ""
    if section.picture:
        encoded = b64encode((folder / section.picture).read_bytes()).decode()
        picture = f'<img src="data:image/png;base64,{encoded}" alt="{escape(section.title)}">'
    return f"<section><h2>{escape(section.title)}</h2><p>{escape(section.text)}</p>{picture}{section.more}</section>\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    top = "".join(f"<th>{escape(each)}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(each)}</td>" for each in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


_STYLE = """
:root { color-scheme: light dark; --line: #ccc; }
@media (prefers-color-scheme: dark) { :root { --line: #444; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; padding: 1rem; }
main { max-width: 62rem; margin: 0 auto; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .25rem; }
p { margin: .25rem 0 .75rem; }
ul { padding-left: 1.2rem; }
img { max-width: 100%; background: #fff; border-radius: .25rem; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; }
"""

"""What the documentation shows of the shipped models: two tables in Markdown and a plot, made from the model files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fedge.data import fashion_mnist
from fedge.model import file as model_file
from fedge.model.manifest import Manifest
from fedge.model.shipped import shipped_models

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "shipped-models.md"
PLOT = PAGE.parents[1] / "pictures" / "accuracy.svg"
FLOAT_BYTES = 4
SIZE_INCHES = (7.0, 4.2)


@dataclass(frozen=True)
class Published:
    """A published accuracy, in 0..1, on Fashion-MNIST's 10,000 test pictures.

    Attributes:
        bytes: of an int8 network as published; of a float one four for each parameter, as it would be stored.
        size: the size in words.
        difference: what keeps the figure from being compared with those of the shipped models.
    """

    name: str
    accuracy: float
    bytes: int
    size: str
    difference: str
    dtype: Literal["int8", "float"] = "float"


def _float(name: str, accuracy: float, parameters: int, difference: str, most: bool = False) -> Published:
    size = f"{'under ' if most else ''}{parameters:,} parameters"
    return Published(name, accuracy, parameters * FLOAT_BYTES, size, difference)


PUBLISHED = (
    Published("µNAS", 0.932, 64_000, "about 64 KB", "int8 too", "int8"),
    _float("two convolutions (Zalando's table)", 0.925, 100_000, "float", most=True),
    _float("ResNet-20", 0.9561, 271_000, "float; best of 300 epochs by the test pictures"),
    _float("ResNet-20, random erasing", 0.9598, 271_000, "float; best of 300 epochs by the test pictures"),
    _float("DenseNet-BC", 0.954, 768_000, "float"),
    _float("fastai, 50 epochs", 0.949, 1_230_000, "float"),
    _float("fine-tuned DARTS", 0.9691, 3_200_000, "float; the record"),
)


def manifests() -> list[Manifest]:
    """The shipped models' manifests, the smallest first."""
    found = (model_file.read(path).manifest for path in shipped_models().values())
    return sorted(found, key=lambda manifest: manifest.flatbuffer.bytes)


def shipped_table() -> str:
    """The shipped models, as Markdown."""
    header = "| model | int8 bytes | parameters | float | int8 | drop, points | at most (95%) | same answer | epochs "
    lines = [f"{header}| minutes of training | test pictures |", "|---" * 11 + "|"]
    for manifest in manifests():
        training, parity = manifest.training, manifest.parity
        minutes = "not recorded" if training.seconds is None else f"{training.seconds / 60:,.0f}"
        cells = [
            f"`{manifest.name}`",
            f"{manifest.flatbuffer.bytes:,}",
            f"{training.parameters:,}",
            f"{parity.float_accuracy:.2%}",
            f"{parity.int8_accuracy:.2%}",
            f"{parity.drop_pp:.2f}",
            f"{parity.drop_upper95_pp:.2f}",
            f"{parity.agreement:.2%}",
            f"{training.epochs}",
            minutes,
            f"{parity.n:,} of {training.data}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def published_table() -> str:
    """What is published, as Markdown."""
    lines = ["| published | size | accuracy | beside fedge's int8 files |", "|---|---|---|---|"]
    lines += [f"| {p.name} | {p.size} | {p.accuracy * 100:.4g}% | {p.difference} |" for p in PUBLISHED]
    return "\n".join(lines)


def renewed(page: str) -> str:
    """The page's text with both tables as the files give them now; each must be there, up to an empty line."""
    for table in (shipped_table(), published_table()):
        start = page.index(table.splitlines()[0])
        page = page[:start] + table + page[page.index("\n\n", start) :]
    return page


def points() -> dict[str, list[float]]:
    """What the plot shows: bytes and int8 accuracy in 0..1 of each model that was tested on Fashion-MNIST alone."""
    return {
        manifest.name: [manifest.flatbuffer.bytes, manifest.parity.int8_accuracy]
        for manifest in manifests()
        if manifest.training.data == fashion_mnist.NAME
    }


def plot(path: Path) -> None:
    """Writes accuracy against bytes as SVG; its description holds `points()`, so that an old plot can be told."""
    import matplotlib

    matplotlib.use("Agg")
    # Text as text keeps the file small; the salt makes the same plot the same bytes.
    matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "fedge"}
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=SIZE_INCHES, layout="constrained")
    groups = (
        ("fedge, int8", "C0", "o", [(n, int(b), a) for n, (b, a) in points().items()]),
        ("published, int8", "C1", "s", _published("int8")),
        (f"published, float: {FLOAT_BYTES} bytes a parameter", "0.5", "^", _published("float")),
    )
    for label, color, marker, entries in groups:
        axes.scatter(
            [b / 1e3 for _, b, _ in entries], [a * 100 for *_, a in entries], c=color, marker=marker, label=label
        )
        for name, size, accuracy in entries:
            axes.annotate(
                name, (size / 1e3, accuracy * 100), xytext=(5, 4), textcoords="offset points", fontsize=7, color=color
            )
    axes.set_xscale("log")
    axes.set_xlim(20, 60_000)
    axes.set_xticks([30, 100, 300, 1_000, 3_000, 10_000], ["30", "100", "300", "1,000", "3,000", "10,000"])
    axes.minorticks_off()
    axes.set_xlabel("kilobytes")
    axes.set_ylabel("right on Fashion-MNIST's test pictures, %")
    axes.margins(y=0.1)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=7)
    figure.savefig(path, format="svg", metadata={"Date": None, "Description": json.dumps(points())})
    plt.close(figure)


def _published(dtype: str) -> list[tuple[str, int, float]]:
    return [(p.name, p.bytes, p.accuracy) for p in PUBLISHED if p.dtype == dtype]

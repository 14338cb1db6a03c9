"""`fedge export`: a packed model as files that other tools take, proved against it before they are written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from fedge.commands.making.export_report import ExportReport
from fedge.errors import FedgeError, ParityRefused
from fedge.images.picture import Picture, input_to_picture, read_picture
from fedge.making.graph.adapt import adapt
from fedge.model import file as model_file
from fedge.model import self_test
from fedge.model.classifier import Classifier, load
from fedge.model.file import LABELS
from fedge.model.format.archive import append_archive
from fedge.model.interpreter import Network
from fedge.model.manifest import Manifest
from fedge.model.shipped import find_model
from fedge.sources.backends.files import find_pictures
from fedge.system.files import write_bytes

Tool = Literal["labels", "frigate", "mediapipe"]

LABEL_MAP = "labelmap.txt"
# Frigate's classifiers of its own states and objects get their pictures in this size.
FRIGATE_SIZE = (224, 224)
# What Frigate takes as "not one of these".
NONE = "none"
# Softmax in float32 instead of float64: some 2^-23 of each score; a wrong network or temperature is off by far more.
SCORE_TOLERANCE = 1e-4
# One of the 16 golden pictures may change: tools resize otherwise than fedge, which can turn what is on the edge.
LEAST_AGREEMENT = 0.9
MOST_PICTURES = 500


@dataclass(frozen=True)
class ExportOptions:
    """What to export.

    Attributes:
        model: a path, or the name of a shipped model.
        tool: what it is for.
        out: a file, or a folder; None: beside where it is called, named after the model.
        data: a picture, a folder or a glob pattern to prove it on; None: the model's golden pictures.
    """

    model: str
    tool: Tool
    out: Path | None = None
    data: str | None = None


def export(options: ExportOptions) -> ExportReport:
    """Writes the files and gives the report; writes nothing where the proof fails.

    Raises ParityRefused where what would be exported answers otherwise than the packed file, FedgeError where the tool
    cannot take such a model.
    """
    if options.tool == "labels":
        content = model_file.read(find_model(options.model))
        path = _file(options.out, Path(LABELS), LABELS)
        write_bytes(path, _lines(content.labels))
        return ExportReport("labels", (str(path),), content.labels)
    classifier = load(options.model)
    manifest = _require_exportable(classifier, options)
    recipe, confidence = manifest.preprocessing, manifest.confidence
    own = recipe.height, recipe.width
    size = FRIGATE_SIZE if options.tool == "frigate" else own

    def adapted(size: tuple[int, int]) -> bytes:
        return adapt(classifier.model.flatbuffer, recipe, confidence, manifest.name, LABELS, size)

    golden = self_test.unpack(classifier.model.golden)
    difference = _require_same_scores(classifier, Network(adapted(own)), golden)
    flatbuffer = adapted(size)
    pictures = golden.pictures if options.data is None else tuple(_pictures(options.data))
    agreement = _require_agreement(classifier, Network(flatbuffer), pictures, size, options.tool)
    labels = classifier.labels if confidence.unknown is None else (*classifier.labels, _none(classifier.labels))
    data = append_archive(flatbuffer, {LABELS: _lines(labels)}, stored={LABELS})
    return ExportReport(
        options.tool,
        _write(options, manifest.name, data, labels),
        labels,
        (*size, 3),
        len(pictures),
        agreement,
        difference,
        _notes(manifest),
    )


def _require_exportable(classifier: Classifier, options: ExportOptions) -> Manifest:
    manifest = classifier.model.manifest
    if not isinstance(manifest, Manifest):
        raise FedgeError(
            f"{manifest.name} was made elsewhere and is packed as it came",
            f"give {options.tool} the file that was adopted; `fedge export --for labels` writes its classes",
        )
    recipe = manifest.preprocessing
    what = "cuts the object out" if recipe.cut_out else "turns bright backgrounds dark"
    if options.data is None and (recipe.cut_out is not None or recipe.polarity != "keep"):
        raise ParityRefused(
            f"{manifest.name} {what} before its network sees a picture, which {options.tool} does not",
            "show with `--data FOLDER` that pictures of yours get the same answers without it, or train with "
            "`--subject whole`",
        )
    return manifest


def _require_same_scores(classifier: Classifier, network: Network, golden: self_test.GoldenVectors) -> float:
    """Raises ParityRefused unless the golden inputs get the packed file's scores; gives the largest difference."""
    largest = 0.0
    for image in golden.inputs:
        expected = classifier.probabilities(classifier.logits(image))
        scores = network.logits(np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image)
        largest = max(largest, float(np.abs(scores[: len(expected)] - expected).max()), abs(float(scores.sum()) - 1))
    if not largest <= SCORE_TOLERANCE:
        raise ParityRefused(
            f"a score would differ by {largest:.2g} from the packed file's", "report it: no file was written"
        )
    return largest


def _require_agreement(
    classifier: Classifier, network: Network, pictures: tuple[Picture, ...], size: tuple[int, int], tool: Tool
) -> float:
    """The share of pictures, prepared as the tool does it, with the packed file's class; raises ParityRefused."""
    classes = len(classifier.labels)
    same = 0
    for picture in pictures:
        expected = int(np.argmax(classifier.classify(picture).probabilities))
        same += expected == int(np.argmax(network.logits(_as_the_tool(picture, size))[:classes]))
    agreement = same / len(pictures)
    if agreement < LEAST_AGREEMENT:
        raise ParityRefused(
            f"{tool} would give the packed file's answer to {agreement:.0%} of {len(pictures):,} pictures, not to "
            f"{LEAST_AGREEMENT:.0%}",
            "give it square pictures of about the network's size, or train with `--fit stretch`"
            if classifier.model.manifest.preprocessing.cut_out is None
            else "train with `--subject whole`",
        )
    return agreement


def _as_the_tool(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture, blue-green-red or gray, as both tools prepare it: red-green-blue, stretched, bilinear."""
    color = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    stretched = cv2.resize(color, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return input_to_picture(np.asarray(stretched, dtype=np.uint8))


def _pictures(data: str) -> Iterator[Picture]:
    paths = find_pictures(data)
    for i in np.linspace(0, len(paths) - 1, min(len(paths), MOST_PICTURES)).astype(int):
        yield read_picture(paths[i])


def _none(labels: tuple[str, ...]) -> str:
    return NONE if NONE not in labels else "none of these"


def _write(options: ExportOptions, name: str, data: bytes, labels: tuple[str, ...]) -> tuple[str, ...]:
    if options.tool == "mediapipe":
        path = _file(options.out, Path(f"{name}-mediapipe.tflite"), f"{name}.tflite")
        write_bytes(path, data)
        return (str(path),)
    out = options.out or Path(f"{name}-frigate")
    model = out if out.suffix == ".tflite" else out / "model.tflite"
    model.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(model.with_name(LABEL_MAP), _label_map(labels))
    write_bytes(model, data)
    return str(model), str(model.with_name(LABEL_MAP))


def _file(out: Path | None, usual: Path, within: str) -> Path:
    """The file to write: `out`, or `within` it where that is a folder."""
    path = out or usual
    path = path / within if path.is_dir() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _lines(labels: tuple[str, ...]) -> bytes:
    return ("\n".join(labels) + "\n").encode()


def _label_map(labels: tuple[str, ...]) -> bytes:
    # Frigate takes the first word for a number where the first class begins with one.
    numbered = labels[0].split(" ")[0].isdigit()
    return _lines(tuple(f"{i} {label}" for i, label in enumerate(labels)) if numbered else labels)


def _notes(manifest: Manifest) -> tuple[str, ...]:
    recipe = manifest.preprocessing
    notes = []
    if recipe.fit != "stretch":
        notes.append(f"fedge {recipe.fit}s a picture into a square, the tool stretches it: give it square ones")
    if recipe.cut_out is not None or recipe.polarity != "keep":
        notes.append("the tool shows the network the whole picture, as it is: trust it on pictures like the proof's")
    if manifest.confidence.threshold("normal") > 0:
        notes.append(f"fedge refuses scores below {manifest.confidence.threshold('normal'):.2f}: set that in the tool")
    return tuple(notes)

"""The model file: a TFLite flatbuffer followed by a ZIP of labels, manifest, golden vectors and model card.

Reading trusts nothing: sizes, ZIP structure, schema, hashes and the flatbuffer's own tensors are checked, each lie with
an error of its own, before any interpreter sees the bytes.
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from fedge.errors import (
    Contradiction,
    HashMismatch,
    LabelsDiffer,
    ManifestError,
    ModelFileError,
    NotAModelFile,
    TooLarge,
)
from fedge.model.format.archive import append_archive, has_member, split_archive
from fedge.model.format.flatbuffer import TENSOR_TYPES, FlatbufferError, Graph, int8_problem, read_graph
from fedge.model.format.schema import to_json
from fedge.model.manifest import AdoptedManifest, AnyManifest, parse
from fedge.system.files import sha256, write_bytes

LABELS, MANIFEST, GOLDEN, CARD = "labels.txt", "fedge.json", "golden.npz", "README.md"
# What a backbone file has instead of a manifest.
BACKBONE = "backbone.json"
MAX_BYTES = 64 << 20
MEMBER_CAPS = {LABELS: 1 << 20, MANIFEST: 1 << 20, GOLDEN: 32 << 20, CARD: 1 << 20}
_AGAIN = "make the model file again with `fedge quantize`, or copy it again"


@dataclass(frozen=True)
class ModelFile:
    """A model file that passed every check.

    Attributes:
        flatbuffer: the network, for an interpreter.
        manifest: what the file says of itself.
        labels: the class names, in output order.
        golden: the bytes of golden.npz.
        card: the model card, Markdown.
        sha256: of the whole file; the same content may be packed in other bytes.
    """

    flatbuffer: bytes
    manifest: AnyManifest
    labels: tuple[str, ...]
    golden: bytes
    card: str
    sha256: str = field(compare=False)


def read(path: str | Path) -> ModelFile:
    """Reads and checks the model file at `path`; raises a ModelFileError that names what is wrong with it."""
    return parse_named(path, read_bytes(path))


def read_bytes(path: str | Path) -> bytes:
    """The bytes of the file at `path`, unchecked, and no more than one above the cap. Raises NotAModelFile."""
    path = Path(path)
    if not path.is_file():
        raise NotAModelFile(f"there is no file {path}", "give the path of a .tflite file that `fedge quantize` wrote")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def parse_named(path: str | Path, data: bytes) -> ModelFile:
    """Checks a model file's bytes; raises a ModelFileError that names `path` and what is wrong with them."""
    try:
        return parse_bytes(data)
    except ModelFileError as error:
        raise type(error)(f"{path}: {error.what}", error.mend) from error


def parse_bytes(data: bytes) -> ModelFile:
    """Checks a model file's bytes; raises a ModelFileError that names what is wrong with them."""
    if len(data) > MAX_BYTES:
        raise TooLarge(f"a model file of more than {MAX_BYTES} bytes", "use a smaller network")
    if data[4:8] != b"TFL3":
        raise NotAModelFile("this is not a TFLite model", "give a .tflite file that `fedge quantize` wrote")
    if has_member(data, BACKBONE):
        raise NotAModelFile("this is a backbone, which knows no classes", "teach it some with `fedge teach`")
    if MANIFEST.encode() not in data:
        raise NotAModelFile(
            "this is a TFLite model that fedge did not make, or the first part of one that it made",
            "take it over with `fedge adopt`, or copy it again",
        )
    flatbuffer, members = split_archive(data, MEMBER_CAPS, _AGAIN)
    manifest = _parse_manifest(members[MANIFEST])
    _check_hashes(manifest, flatbuffer, members)
    labels = _parse_labels(members[LABELS])
    check_agreement(manifest, labels, flatbuffer)
    card = members[CARD].decode(errors="replace")
    return ModelFile(flatbuffer, manifest, labels, members[GOLDEN], card, sha256(data))


def pack(flatbuffer: bytes, manifest: AnyManifest, labels: tuple[str, ...], golden: bytes, card: str) -> bytes:
    """Builds a model file's bytes; the same arguments give the same bytes.

    The manifest's `flatbuffer` and `members` must already hold the hashes: see `member_bytes`.
    """
    members = {MANIFEST: json.dumps(to_json(manifest), indent=1, ensure_ascii=False).encode()}
    return append_archive(flatbuffer, members | member_bytes(labels, golden, card), stored={LABELS})


def member_bytes(labels: tuple[str, ...], golden: bytes, card: str) -> dict[str, bytes]:
    """The members that the manifest hashes, by name."""
    return {LABELS: ("\n".join(labels) + "\n").encode(), GOLDEN: golden, CARD: card.encode()}


def write(path: Path, data: bytes) -> None:
    """Writes a packed model file after reading it back as a user will; whole or not at all."""
    parse_bytes(data)
    write_bytes(path, data)


def check_agreement(manifest: AnyManifest, labels: tuple[str, ...], flatbuffer: bytes) -> None:
    """Raises LabelsDiffer or Contradiction where labels, manifest and the flatbuffer's own tensors disagree."""
    if len(labels) != manifest.output.classes:
        raise LabelsDiffer(f"{len(labels)} labels for {manifest.output.classes} outputs", _AGAIN)
    try:
        graph = read_graph(flatbuffer)
    except FlatbufferError as error:
        raise NotAModelFile(str(error), _AGAIN) from error
    problem = _first_disagreement(manifest, graph)
    if problem:
        raise Contradiction(problem, _AGAIN)


def _first_disagreement(manifest: AnyManifest, graph: Graph) -> str | None:
    if isinstance(manifest, AdoptedManifest):
        return _first_foreign_disagreement(manifest, graph)
    expected, output = manifest.input, manifest.output
    if problem := int8_problem(graph, expected.scale, expected.zero_point):
        return problem
    network_input, network_output = graph.inputs[0], graph.outputs[0]
    if network_input.shape != (1, expected.height, expected.width, expected.channels):
        return f"the network's input is {network_input.shape}, the manifest says {manifest.preprocessing.shape}"
    if network_output.shape != (1, output.classes):
        return f"the network gives {network_output.shape}, the manifest says {output.classes} classes"
    if not network_output.has_scale(output.scale):
        return "the network's output is not int8 with the manifest's scale"
    if network_output.zero_points != (output.zero_point,):
        return "the network's output has another zero point than the manifest"
    return None


def _first_foreign_disagreement(manifest: AdoptedManifest, graph: Graph) -> str | None:
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return f"the network has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, not one of each"
    for name, tensor, facts in (
        ("input", graph.inputs[0], manifest.input),
        ("output", graph.outputs[0], manifest.output),
    ):
        if tensor.dtype != facts.dtype:
            return f"the network's {name} is {tensor.dtype}, the manifest says {facts.dtype}"
        quantized = tensor.dtype != "float32"
        if quantized and (not tensor.has_scale(facts.scale) or tensor.zero_points != (facts.zero_point,)):
            return f"the network's {name} has another scale or zero point than the manifest"
    if graph.inputs[0].shape != (1, *manifest.preprocessing.shape):
        return f"the network's input is {graph.inputs[0].shape}, the manifest says {manifest.preprocessing.shape}"
    if math.prod(graph.outputs[0].shape) != manifest.output.classes:
        return f"the network gives {graph.outputs[0].shape}, the manifest says {manifest.output.classes} classes"
    if graph.custom_operators:
        return "the network calls a custom operator"
    foreign = [tensor for tensor in graph.tensors if tensor.dtype not in TENSOR_TYPES.values()]
    return f"the tensor {foreign[0].name} is of a foreign type" if foreign else None


def _parse_manifest(content: bytes) -> AnyManifest:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ManifestError("fedge.json is not JSON", _AGAIN) from error
    return parse(value)


def _check_hashes(manifest: AnyManifest, flatbuffer: bytes, members: dict[str, bytes]) -> None:
    if len(flatbuffer) != manifest.flatbuffer.bytes or sha256(flatbuffer) != manifest.flatbuffer.sha256:
        raise HashMismatch("the network is not the one that the manifest names", _AGAIN)
    named = {LABELS, GOLDEN, CARD}
    if set(manifest.members) != named:
        raise ManifestError(f"fedge.json: members must name {', '.join(sorted(named))}", _AGAIN)
    for name in sorted(named):
        if sha256(members[name]) != manifest.members[name]:
            lie = LabelsDiffer if name == LABELS else HashMismatch
            raise lie(f"{name} is not the one that the manifest names", _AGAIN)


def _parse_labels(content: bytes) -> tuple[str, ...]:
    try:
        labels = tuple(content.decode().splitlines())
    except UnicodeDecodeError as error:
        raise LabelsDiffer("labels.txt is not UTF-8", _AGAIN) from error
    if len(set(labels)) != len(labels) or not all(label.strip() for label in labels):
        raise LabelsDiffer("labels.txt has an empty or a doubled label", _AGAIN)
    return labels

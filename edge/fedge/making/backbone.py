"""The backbone file: a network that turns pictures into int8 features, which `fedge teach` learns a head for.

It is made like a model file: a TFLite flatbuffer, and behind it a ZIP archive of `backbone.json`, `golden.npz`
(pictures and the features that they must give) and `README.md`. It has no labels, so nothing
takes it for a classifier.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedge import __version__
from fedge.errors import Contradiction, HashMismatch, ManifestError, ModelFileError, NotAModelFile, TooLarge, TooNew
from fedge.images.preprocess import Recipe
from fedge.model.file import BACKBONE as MANIFEST
from fedge.model.file import CARD, GOLDEN, MAX_BYTES, MEMBER_CAPS
from fedge.model.format.archive import append_archive, has_member, split_archive
from fedge.model.format.flatbuffer import FlatbufferError, Graph, read_graph
from fedge.model.format.schema import SchemaError, from_json, to_json
from fedge.model.manifest import (
    FlatbufferFacts,
    InputFacts,
    OutputFacts,
    SelfTestFacts,
    later_fedge,
    require_same_input,
)
from fedge.model.self_test import SelfTest, compare_vectors, unpack
from fedge.system.files import sha256, write_bytes

FORMAT = 1
CAPS = {MANIFEST: 1 << 20, GOLDEN: MEMBER_CAPS[GOLDEN], CARD: MEMBER_CAPS[CARD]}
_AGAIN = "make the backbone again with `fedge backbone`, or copy it again"


@dataclass(frozen=True)
class BackboneManifest:
    """All of backbone.json.

    Attributes:
        format, least_fedge, name, flatbuffer, members, input, preprocessing, self_test: as in a model file.
        output: int8 features; `classes` is how many.
        architecture, parameters: of the float network, without its last layer.
        weights, weights_sha256: what the weights were learned from, or who made them; and their file's SHA-256.
        calibration, calibration_pictures, calibration_sha256: the pictures that the int8 ranges were measured on, how
            many, and the SHA-256 of their bytes.
        feature_error: how far int8 features are from float ones on these pictures: the length of the difference as a
            share of the length of the float features, the mean over the pictures; None where no float network is known.
        versions: of the tools that made it.
    """

    format: int
    least_fedge: str
    name: str
    flatbuffer: FlatbufferFacts
    members: dict[str, str]
    input: InputFacts
    preprocessing: Recipe
    output: OutputFacts
    self_test: SelfTestFacts
    architecture: str
    parameters: int
    weights: str
    weights_sha256: str
    calibration: str
    calibration_pictures: int
    calibration_sha256: str
    feature_error: float | None
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_same_input(self.preprocessing, self.input)


@dataclass(frozen=True)
class Backbone:
    """A backbone file that passed every check; the attributes are those of a model file."""

    flatbuffer: bytes
    manifest: BackboneManifest
    golden: bytes
    card: str


def is_backbone(path: Path) -> bool:
    """Whether the file at `path` calls itself a backbone; nothing else of it is checked."""
    return path.is_file() and path.stat().st_size <= MAX_BYTES and has_member(path.read_bytes(), MANIFEST)


def read_backbone(path: Path) -> Backbone:
    """Reads and checks the backbone file at `path`; raises a ModelFileError that names what is wrong with it."""
    if not path.is_file():
        raise NotAModelFile(f"there is no file {path}", "give the path of a file that `fedge backbone` wrote")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    try:
        return parse_backbone(data)
    except ModelFileError as error:
        raise type(error)(f"{path}: {error.what}", error.mend) from error


def parse_backbone(data: bytes) -> Backbone:
    """Checks a backbone file's bytes; raises a ModelFileError that names what is wrong with them."""
    if len(data) > MAX_BYTES:
        raise TooLarge(f"a backbone of more than {MAX_BYTES} bytes", "use a smaller network")
    if data[4:8] != b"TFL3" or not has_member(data, MANIFEST):
        raise NotAModelFile("this is no backbone", "give a file that `fedge backbone` wrote")
    flatbuffer, members = split_archive(data, CAPS, _AGAIN)
    manifest = _parse_manifest(members.pop(MANIFEST))
    if len(flatbuffer) != manifest.flatbuffer.bytes or sha256(flatbuffer) != manifest.flatbuffer.sha256:
        raise HashMismatch("the network is not the one that the manifest names", _AGAIN)
    if set(manifest.members) != set(members):
        raise ManifestError(f"{MANIFEST}: members must name {', '.join(sorted(members))}", _AGAIN)
    for name, content in members.items():
        if sha256(content) != manifest.members[name]:
            raise HashMismatch(f"{name} is not the one that the manifest names", _AGAIN)
    try:
        problem = _first_disagreement(manifest, read_graph(flatbuffer))
    except FlatbufferError as error:
        raise NotAModelFile(str(error), _AGAIN) from error
    if problem:
        raise Contradiction(problem, _AGAIN)
    return Backbone(flatbuffer, manifest, members[GOLDEN], members[CARD].decode(errors="replace"))


def pack_backbone(flatbuffer: bytes, manifest: BackboneManifest, golden: bytes, card: str) -> bytes:
    """Builds a backbone file's bytes, with the hashes of its members put into the manifest."""
    members = {GOLDEN: golden, CARD: card.encode()}
    facts = to_json(manifest) | {"members": {name: sha256(content) for name, content in members.items()}}
    content = json.dumps(facts, indent=1, ensure_ascii=False).encode()
    return append_archive(flatbuffer, {MANIFEST: content} | members)


def write_backbone(path: Path, data: bytes) -> None:
    """Writes a packed backbone file after reading it back as a user will; whole or not at all."""
    parse_backbone(data)
    write_bytes(path, data)


def backbone_self_test(backbone: Backbone) -> SelfTest:
    """Runs the golden pictures here: preprocessing against the golden inputs, the network against the features."""
    from fedge.model.interpreter import Network

    network, manifest = Network(backbone.flatbuffer), backbone.manifest
    golden = unpack(backbone.golden)
    return compare_vectors(golden, manifest.preprocessing, manifest.output, manifest.self_test, network.logits)


def _parse_manifest(content: bytes) -> BackboneManifest:
    try:
        value: dict[str, Any] = json.loads(content)
        format_number, least = int(value["format"]), str(value["least_fedge"])
        too_new = format_number > FORMAT or later_fedge(least)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ManifestError(f"{MANIFEST} does not say its format and the least fedge version", _AGAIN) from error
    if too_new:
        raise TooNew(f"the backbone needs fedge {least} or later, this is {__version__}", "run `pip install -U fedge`")
    try:
        return from_json(BackboneManifest, value)
    except SchemaError as error:
        raise ManifestError(f"{MANIFEST}: {error}", _AGAIN) from error


def _first_disagreement(manifest: BackboneManifest, graph: Graph) -> str | None:
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return f"the network has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, not one of each"
    network_input, features = graph.inputs[0], graph.outputs[0]
    if network_input.shape != (1, *manifest.preprocessing.shape) or network_input.dtype != "uint8":
        return f"the network's input is {network_input.dtype} {network_input.shape}, the manifest says otherwise"
    if not network_input.has_scale(manifest.input.scale) or network_input.zero_points != (manifest.input.zero_point,):
        return "the network's input has another scale or zero point than the manifest"
    if features.shape != (1, manifest.output.classes) or features.dtype != "int8":
        return f"the network gives {features.dtype} {features.shape}, the manifest says otherwise"
    if not features.has_scale(manifest.output.scale) or features.zero_points != (manifest.output.zero_point,):
        return "the network's features have another scale or zero point than the manifest"
    if graph.custom_operators:
        return "the network calls a custom operator"
    foreign = [t for t in graph.tensors if t.dtype not in ("int8", "int32") and t is not network_input]
    return f"the tensor {foreign[0].name} is {foreign[0].dtype}, not int8 or int32" if foreign else None

"""The model file: a TFLite flatbuffer followed by a ZIP of labels, manifest, golden vectors and model card.

Reading trusts nothing: sizes, ZIP structure, schema, hashes and the flatbuffer's own tensors are checked, each lie with
an error of its own, before any interpreter sees the bytes.
"""

import io
import json
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from fedge.errors import (
    ArchiveError,
    Contradiction,
    HashMismatch,
    LabelsDiffer,
    ManifestError,
    ModelFileError,
    NotAModelFile,
    TooLarge,
)
from fedge.model.flatbuffer import FlatbufferError, Graph, int8_problem, read_graph
from fedge.model.manifest import Manifest, parse
from fedge.model.schema import to_json
from fedge.system.files import sha256, write_bytes

LABELS, MANIFEST, GOLDEN, CARD = "labels.txt", "fedge.json", "golden.npz", "README.md"
MAX_BYTES = 64 << 20
MEMBER_CAPS = {LABELS: 1 << 20, MANIFEST: 1 << 20, GOLDEN: 32 << 20, CARD: 1 << 20}
# Deflate cannot do better than 1032:1; honest labels, JSON and pictures stay far below this.
MAX_RATIO = 200

# The end of every archive that carries no comment: an end record and nothing behind it.
_END_RECORD, _END_RECORD_BYTES = b"PK\x05\x06", 22

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
    """

    flatbuffer: bytes
    manifest: Manifest
    labels: tuple[str, ...]
    golden: bytes
    card: str


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
    flatbuffer, members = _unpack(data)
    manifest = _parse_manifest(members[MANIFEST])
    _check_hashes(manifest, flatbuffer, members)
    labels = _parse_labels(members[LABELS])
    check_agreement(manifest, labels, flatbuffer)
    return ModelFile(flatbuffer, manifest, labels, members[GOLDEN], members[CARD].decode(errors="replace"))


def pack(flatbuffer: bytes, manifest: Manifest, labels: tuple[str, ...], golden: bytes, card: str) -> bytes:
    """Builds a model file's bytes; the same arguments give the same bytes.

    The manifest's `flatbuffer` and `members` must already hold the hashes: see `member_bytes`.
    """
    buffer = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        members = {MANIFEST: json.dumps(to_json(manifest), indent=1, ensure_ascii=False).encode()}
        members |= member_bytes(labels, golden, card)
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            # Readers refuse what is compressed more than 200 to 1, as deflated flat pictures would be.
            tight = len(content) > MAX_RATIO / 2 * len(zlib.compress(content))
            info.compress_type = zipfile.ZIP_STORED if tight else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def member_bytes(labels: tuple[str, ...], golden: bytes, card: str) -> dict[str, bytes]:
    """The members that the manifest hashes, by name."""
    return {LABELS: ("\n".join(labels) + "\n").encode(), GOLDEN: golden, CARD: card.encode()}


def write(path: Path, data: bytes) -> None:
    """Writes a packed model file after reading it back as a user will; whole or not at all."""
    parse_bytes(data)
    write_bytes(path, data)


def check_agreement(manifest: Manifest, labels: tuple[str, ...], flatbuffer: bytes) -> None:
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


def _first_disagreement(manifest: Manifest, graph: Graph) -> str | None:
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


def _unpack(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if not data[-_END_RECORD_BYTES:].startswith(_END_RECORD):
                raise ArchiveError("the archive carries a comment, or something follows it", _AGAIN)
            infos = archive.infolist()
            _check_archive(archive, infos)
            members = {info.filename: _read_member(archive, info) for info in infos}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise NotAModelFile(f"the archive behind the network cannot be read ({error})", _AGAIN) from error
    return data[: min(info.header_offset for info in infos)], members


def _check_archive(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in infos]
    for info in infos:
        name = info.filename
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            raise ArchiveError(f"the member {name!r} points outside the archive", _AGAIN)
        if name not in MEMBER_CAPS:
            raise ArchiveError(f"the member {name!r} does not belong in a model file", _AGAIN)
        if names.count(name) > 1:
            raise ArchiveError(f"the member {name!r} is there twice", _AGAIN)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ArchiveError(f"the member {name!r} is a link", _AGAIN)
        if info.flag_bits & 1:
            raise ArchiveError(f"the member {name!r} is encrypted", _AGAIN)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError(f"the member {name!r} is neither stored nor deflated", _AGAIN)
        if info.file_size > MEMBER_CAPS[name]:
            raise TooLarge(f"the member {name!r} has {info.file_size} bytes, over {MEMBER_CAPS[name]}", _AGAIN)
        if info.file_size > MAX_RATIO * max(1, info.compress_size):
            raise TooLarge(f"the member {name!r} is compressed more than {MAX_RATIO} to 1", _AGAIN)
    missing = [name for name in MEMBER_CAPS if name not in names]
    if missing:
        raise ArchiveError(f"the member {missing[0]!r} is missing", _AGAIN)


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise TooLarge(f"the member {info.filename!r} is not of the size it claims", _AGAIN)
    return content


def _parse_manifest(content: bytes) -> Manifest:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ManifestError("fedge.json is not JSON", _AGAIN) from error
    return parse(value)


def _check_hashes(manifest: Manifest, flatbuffer: bytes, members: dict[str, bytes]) -> None:
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

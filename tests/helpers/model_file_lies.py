"""Model files that lie, and how each is refused."""

import io
import json
import math
import struct
import zipfile
from collections.abc import Callable
from functools import reduce
from operator import getitem
from typing import Any

from fedge import errors
from fedge.model import file as model_file
from fedge.model.file import parse_bytes
from fedge.system.files import sha256


def rebuild(
    content: bytes, change: Callable[[dict[str, bytes]], None] = lambda members: None, **zip_changes: Any
) -> bytes:
    """The file with its members changed but nothing else put right."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
        start = min(info.header_offset for info in archive.infolist())
    change(members)
    buffer = io.BytesIO(zip_changes.get("flatbuffer", content[:start]))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        zip_changes.get("more", lambda archive: None)(archive)
    return buffer.getvalue()


def with_manifest(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The file with its manifest changed."""

    def rewrite(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["fedge.json"])
        change(manifest)
        members["fedge.json"] = json.dumps(manifest).encode()

    return rebuild(content, rewrite)


def setting(value: Any, *names: str) -> Callable[[bytes], bytes]:
    """What gives a file's manifest another value, in the field that the names lead to."""
    *parts, last = names

    def change(manifest: dict[str, Any]) -> None:
        reduce(getitem, parts, manifest)[last] = value

    return lambda content: with_manifest(content, change)


def with_member(content: bytes, name: str, data: bytes) -> bytes:
    """The file with one member replaced and its hash put right, so that only the content lies."""

    def rewrite(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["fedge.json"])
        manifest["members"][name] = sha256(data)
        members["fedge.json"] = json.dumps(manifest).encode()
        members[name] = data

    return rebuild(content, rewrite)


def _twice(archive: zipfile.ZipFile) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile itself warns of what this test makes on purpose
        archive.writestr("labels.txt", b"again")


def _link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("labels.txt")
    info.external_attr = 0o120777 << 16
    archive.writestr(info, b"/etc/passwd")


def _comment(archive: zipfile.ZipFile) -> None:
    archive.comment = b"hidden"


def _drop(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda members: members.__delitem__(name)


def _encrypted(content: bytes) -> bytes:
    """The file with the encryption flag set in the first member's central header."""
    at = content.index(b"PK\x01\x02")
    return content[: at + 8] + b"\x01\x00" + content[at + 10 :]


def _first_size(content: bytes, size: int) -> bytes:
    """The file with the first member's uncompressed size in the central header replaced."""
    at = content.index(b"PK\x01\x02") + 24
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


REFUSALS: dict[str, tuple[Callable[[bytes], bytes], type[errors.ModelFileError], str]] = {
    "nothing": (lambda c: b"", errors.NotAModelFile, "not a TFLite model"),
    "no flatbuffer": (lambda c: c[:4] + b"ELF!" + c[8:], errors.NotAModelFile, "not a TFLite model"),
    "a bare flatbuffer": (lambda c: parse_bytes(c).flatbuffer, errors.NotAModelFile, "fedge did not make"),
    "cut short": (lambda c: c[:-100], errors.NotAModelFile, "archive"),
    "over the size cap": (lambda c: c + bytes(model_file.MAX_BYTES), errors.TooLarge, "more than"),
    "a missing member": (lambda c: rebuild(c, _drop("golden.npz")), errors.ArchiveError, "'golden.npz' is missing"),
    "no manifest": (lambda c: rebuild(c, _drop("fedge.json")), errors.NotAModelFile, "fedge did not make"),
    "a foreign member": (
        lambda c: rebuild(c, lambda m: m.__setitem__("run.py", b"")),
        errors.ArchiveError,
        "'run.py' does not belong",
    ),
    "a parent path": (
        lambda c: rebuild(c, lambda m: m.__setitem__("../labels.txt", b"")),
        errors.ArchiveError,
        "points outside",
    ),
    "an absolute path": (
        lambda c: rebuild(c, lambda m: m.__setitem__("/labels.txt", b"")),
        errors.ArchiveError,
        "points outside",
    ),
    "a member twice": (lambda c: rebuild(c, more=_twice), errors.ArchiveError, "twice"),
    "a link": (lambda c: rebuild(c, _drop("labels.txt"), more=_link), errors.ArchiveError, "is a link"),
    "an encrypted member": (_encrypted, errors.ArchiveError, "is encrypted"),
    "a comment": (lambda c: rebuild(c, more=_comment), errors.ArchiveError, "comment"),
    "bytes behind the archive": (lambda c: c + b"hidden", errors.ArchiveError, "something follows it"),
    "a compression bomb": (
        lambda c: rebuild(c, lambda m: m.__setitem__("labels.txt", bytes(1 << 20))),
        errors.TooLarge,
        "compressed more than",
    ),
    "an oversized member": (
        lambda c: rebuild(c, lambda m: m.__setitem__("README.md", bytes((1 << 20) + 1))),
        errors.TooLarge,
        "over 1048576",
    ),
    "a size that lies": (lambda c: _first_size(c, 5), errors.NotAModelFile, "archive"),
    "a manifest that is no JSON": (
        lambda c: rebuild(c, lambda m: m.__setitem__("fedge.json", b"{")),
        errors.ManifestError,
        "not JSON",
    ),
    "a manifest nested for ever": (
        lambda c: rebuild(c, lambda m: m.__setitem__("fedge.json", b"[" * 5000 + bytes(range(256)) * 8)),
        errors.ManifestError,
        "not JSON",
    ),
    "a manifest that is a list": (
        lambda c: rebuild(c, lambda m: m.__setitem__("fedge.json", b"[]")),
        errors.ManifestError,
        "not a JSON object",
    ),
    "a format without an end": (setting(math.inf, "format"), errors.ManifestError, "does not say its format"),
    "a version of two lines": (
        setting("99\n.0", "least_fedge"),
        errors.ManifestError,
        "does not say its format and the least",
    ),
    "a manifest without versions": (
        lambda c: with_manifest(c, lambda m: m.pop("format")),
        errors.ManifestError,
        "does not say its format",
    ),
    "a foreign field": (setting("x", "code"), errors.ManifestError, "'code' is not a known field"),
    "a foreign field of two lines": (
        setting("x", "training", "a\nb"),
        errors.ManifestError,
        r"'a\\nb' is not a known field of training",
    ),
    "a field of another type": (
        setting("28", "input", "height"),
        errors.ManifestError,
        "input.height must be a whole number",
    ),
    "a strict mode that is laxer": (
        setting(0.999, "confidence", "reject_below", "normal"),
        errors.ManifestError,
        "confidence.reject_below.normal must be in 0..strict",
    ),
    "a temperature of zero": (
        setting(0, "confidence", "temperature"),
        errors.ManifestError,
        r"confidence\.temperature must be from 0\.01 to 100",
    ),
    "a temperature that no float holds": (
        setting(10**400, "confidence", "temperature"),
        errors.ManifestError,
        r"confidence\.temperature must be a finite number",
    ),
    "a temperature that makes every score no number": (
        setting(1e-320, "confidence", "temperature"),
        errors.ManifestError,
        r"confidence\.temperature must be from 0\.01 to 100",
    ),
    "a temperature that makes all scores alike": (
        setting(1e300, "confidence", "temperature"),
        errors.ManifestError,
        r"confidence\.temperature must be from 0\.01 to 100",
    ),
    "an unknown that drowns every class": (
        setting(1e308, "confidence", "unknown"),
        errors.ManifestError,
        r"confidence\.unknown must be from -1e\+06 to 1e\+06",
    ),
    "an output scale that no float holds": (
        setting(10**400, "output", "scale"),
        errors.ManifestError,
        r"output\.scale must be a finite number",
    ),
    "an output scale of almost nothing": (
        setting(1e-320, "output", "scale"),
        errors.ManifestError,
        r"output\.scale must be from 1e-06 to 1e\+06",
    ),
    "an earlier format": (setting(0, "format"), errors.ManifestError, "format must be 1"),
    "an input scale that preprocessing does not give": (
        setting(0.5, "input", "scale"),
        errors.ManifestError,
        "input.scale must be 1/255",
    ),
    "an input zero point that preprocessing does not give": (
        setting(7, "input", "zero_point"),
        errors.ManifestError,
        "zero_point 0",
    ),
    "a test share of more than everything": (
        setting(1e308, "training", "test_share"),
        errors.ManifestError,
        "training.test_share must be from 0 to 1",
    ),
    "a later format": (setting(3, "format"), errors.TooNew, "needs fedge"),
    "a later fedge": (setting("99.0.0", "least_fedge"), errors.TooNew, "needs fedge 99.0.0"),
    "another network": (
        lambda c: rebuild(c, flatbuffer=parse_bytes(c).flatbuffer[:-1] + b"\x7f"),
        errors.HashMismatch,
        "the network is not the one",
    ),
    "bytes hidden behind the network": (
        lambda c: rebuild(c, flatbuffer=parse_bytes(c).flatbuffer + b"hidden"),
        errors.HashMismatch,
        "the network is not the one",
    ),
    "other labels": (
        lambda c: rebuild(c, lambda m: m.__setitem__("labels.txt", b"a\nb\n")),
        errors.LabelsDiffer,
        "labels.txt is not the one",
    ),
    "another golden file": (
        lambda c: rebuild(c, lambda m: m.__setitem__("golden.npz", b"x")),
        errors.HashMismatch,
        "golden.npz is not the one",
    ),
    "an unhashed member": (
        lambda c: with_manifest(c, lambda m: m["members"].pop("README.md")),
        errors.ManifestError,
        "members must name",
    ),
    "too few labels": (
        lambda c: with_member(c, "labels.txt", b"a\nb\n"),
        errors.LabelsDiffer,
        "2 labels for 10 outputs",
    ),
    "a doubled label": (lambda c: with_member(c, "labels.txt", b"a\na\n"), errors.LabelsDiffer, "doubled label"),
    "labels that are no text": (
        lambda c: with_member(c, "labels.txt", b"\xff\xfe"),
        errors.LabelsDiffer,
        "not UTF-8",
    ),
    "another output scale": (
        setting(1.0, "output", "scale"),
        errors.Contradiction,
        "output is not int8 with the manifest's scale",
    ),
    "another output zero point": (setting(99, "output", "zero_point"), errors.Contradiction, "another zero point"),
    "preprocessing for another size": (
        setting(32, "preprocessing", "height"),
        errors.ManifestError,
        "preprocessing and input",
    ),
}

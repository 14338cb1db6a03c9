import dataclasses
import io
import json
import math
import struct
import subprocess
import zipfile
from collections.abc import Callable
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

from fedge import errors, modelfile, runtime
from fedge.files import sha256
from fedge.flatbuffer import FlatbufferError, Tensor, read_graph
from fedge.modelfile import ModelFile, parse_bytes


@pytest.fixture(scope="module")
def content(model_path: Path) -> bytes:
    return model_path.read_bytes()


@pytest.fixture(scope="module")
def model(content: bytes) -> ModelFile:
    return parse_bytes(content)


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


def test_reading_gives_back_what_was_packed(content: bytes, model: ModelFile) -> None:
    packed = modelfile.pack(model.flatbuffer, model.manifest, model.labels, model.golden, model.card)
    assert parse_bytes(packed) == model == parse_bytes(content)
    assert modelfile.pack(model.flatbuffer, model.manifest, model.labels, model.golden, model.card) == packed


def test_what_deflates_too_well_is_stored(model: ModelFile) -> None:
    flat = bytes(1 << 20)
    members = {**model.manifest.members, "golden.npz": sha256(flat)}
    manifest = dataclasses.replace(model.manifest, members=members)
    packed = modelfile.pack(model.flatbuffer, manifest, model.labels, flat, model.card)
    assert parse_bytes(packed).golden == flat


def test_any_zip_tool_lists_it(model_path: Path) -> None:
    listing = subprocess.run(["python3", "-m", "zipfile", "-l", model_path], capture_output=True, text=True, check=True)
    assert all(name in listing.stdout for name in modelfile.MEMBER_CAPS)


def test_any_tflite_tool_opens_it(content: bytes) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    assert interpreter.get_input_details()[0]["shape"].tolist() == [1, 28, 28, 1]


def test_all_of_the_network_is_int8(model: ModelFile) -> None:
    graph = read_graph(model.flatbuffer)
    assert graph.inputs[0].dtype == "uint8" and graph.inputs[0].zero_points == (0,)
    assert graph.inputs[0].scales[0] == pytest.approx(1 / 255, rel=1e-6)  # float32 keeps 24 bits
    assert {t.dtype for t in graph.tensors if t is not graph.inputs[0]} == {"int8", "int32"}


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
    "a bare flatbuffer": (lambda c: parse_bytes(c).flatbuffer, errors.NotAModelFile, "archive"),
    "cut short": (lambda c: c[:-100], errors.NotAModelFile, "archive"),
    "over the size cap": (lambda c: c + bytes(modelfile.MAX_BYTES), errors.TooLarge, "more than"),
    "a missing member": (lambda c: rebuild(c, _drop("golden.npz")), errors.ArchiveError, "'golden.npz' is missing"),
    "no manifest": (lambda c: rebuild(c, _drop("fedge.json")), errors.ArchiveError, "'fedge.json' is missing"),
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
    "a later format": (setting(2, "format"), errors.TooNew, "needs fedge"),
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
        errors.HashMismatch,
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
        errors.Contradiction,
        "2 labels for 10 outputs",
    ),
    "a doubled label": (lambda c: with_member(c, "labels.txt", b"a\na\n"), errors.Contradiction, "doubled label"),
    "labels that are no text": (
        lambda c: with_member(c, "labels.txt", b"\xff\xfe"),
        errors.Contradiction,
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


@pytest.mark.parametrize("lie", REFUSALS)
def test_refuses_each_lie_before_an_interpreter_sees_it(
    lie: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper, error, message = REFUSALS[lie]
    tampered = tamper(content)

    def no_interpreter(*arguments: object) -> None:
        raise AssertionError("the interpreter was given the bytes")

    monkeypatch.setattr(runtime, "_interpreter_module", no_interpreter)
    with pytest.raises(errors.ModelFileError, match=message) as caught:
        parse_bytes(tampered)
    assert type(caught.value) is error
    assert str(caught.value).isprintable()


def _first(**changes: Any) -> Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]]:
    return lambda tensors: (dataclasses.replace(tensors[0], **changes), *tensors[1:])


@pytest.mark.parametrize(
    ("field", "change", "problem"),
    [
        ("inputs", lambda tensors: tensors * 2, "has 2 inputs and 1 outputs"),
        ("outputs", lambda tensors: (), "has 1 inputs and 0 outputs"),
        ("inputs", _first(shape=(1, 28, 28, 3)), r"input is \(1, 28, 28, 3\)"),
        ("inputs", _first(dtype="int8"), "input is not uint8"),
        ("inputs", _first(scales=(0.5,)), "input is not uint8 with the manifest's scale"),
        ("inputs", _first(zero_points=(3,)), "input has another zero point"),
        ("outputs", _first(dtype="uint8"), "output is not int8"),
        ("custom_operators", lambda custom: True, "calls a custom operator"),
        ("tensors", lambda tensors: (*tensors, Tensor("odd", (1,), "float32", (), ())), "the tensor odd is float32"),
    ],
)
def test_refuses_a_network_that_is_not_what_the_format_asks_for(
    field: str,
    change: Callable[[Any], Any],
    problem: str,
    model: ModelFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = read_graph(model.flatbuffer)
    changed = dataclasses.replace(graph, **{field: change(getattr(graph, field))})
    monkeypatch.setattr(modelfile, "read_graph", lambda flatbuffer: changed)
    with pytest.raises(errors.Contradiction, match=problem):
        modelfile.check_agreement(model.manifest, model.labels, model.flatbuffer)


def test_refuses_a_label_count_and_a_manifest_that_lie_together(content: bytes) -> None:
    # Two labels and two classes agree with each other: only the flatbuffer's own output gives them away.
    def lie(members: dict[str, bytes]) -> None:
        members["labels.txt"] = b"a\nb\n"
        manifest = json.loads(members["fedge.json"])
        manifest["members"]["labels.txt"] = sha256(b"a\nb\n")
        manifest["output"]["classes"] = 2
        members["fedge.json"] = json.dumps(manifest).encode()

    with pytest.raises(errors.Contradiction, match="manifest says 2 classes"):
        parse_bytes(rebuild(content, lie))


def test_every_cut_and_every_flipped_byte_of_the_network_is_refused_or_read(model: ModelFile) -> None:
    flatbuffer = model.flatbuffer
    for at in range(0, len(flatbuffer), 997):
        damaged = flatbuffer[:at] + bytes([flatbuffer[at] ^ 0xFF]) + flatbuffer[at + 1 :]
        for candidate in (damaged, flatbuffer[:at]):
            try:
                read_graph(candidate)
            except FlatbufferError:
                continue


def test_a_network_that_kills_its_interpreter_is_refused_by_the_probe(model: ModelFile) -> None:
    # Every operator's first input is pointed at a tensor far outside: native code would follow it.
    died = 0
    for at in range(100, 4000, 101):
        hostile = bytearray(model.flatbuffer)
        hostile[at : at + 4] = b"\xff\xff\xff\x7f"
        try:
            runtime.probe(bytes(hostile))
        except errors.ProbeFailed:
            died += 1
            break
    assert died


def test_a_sound_network_passes_the_probe(model: ModelFile) -> None:
    runtime.probe(model.flatbuffer)


def test_a_name_in_the_error_is_the_files(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"not a model at all")
    with pytest.raises(errors.NotAModelFile, match=r"broken\.tflite: this is not a TFLite model"):
        modelfile.read(path)


def test_writing_checks_first_and_leaves_the_old_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    modelfile.write(path, content)
    with pytest.raises(errors.ModelFileError):
        modelfile.write(path, content[:-50])
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_the_manifest_refuses_what_its_classes_refuse(model: ModelFile) -> None:
    with pytest.raises(ValueError, match="strict below 1"):
        dataclasses.replace(model.manifest.confidence.reject_below, strict=1.0)
    with pytest.raises(ValueError, match="logit_tolerance must be from 1 to 16"):
        dataclasses.replace(model.manifest.self_test, logit_tolerance=17)
    with pytest.raises(ValueError, match="at least 2"):
        dataclasses.replace(model.manifest.output, classes=1)

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_file_lies import REFUSALS, rebuild

from fedge import errors
from fedge.model import file as model_file
from fedge.model.file import ModelFile, parse_bytes
from fedge.model.format.flatbuffer import FlatbufferError, Tensor, read_graph
from fedge.model.interpreter import CHOICE, probe
from fedge.system.files import sha256


@pytest.fixture(scope="module")
def content(model_path: Path) -> bytes:
    return model_path.read_bytes()


@pytest.fixture(scope="module")
def model(content: bytes) -> ModelFile:
    return parse_bytes(content)


def test_reading_gives_back_what_was_packed(content: bytes, model: ModelFile) -> None:
    packed = model_file.pack(model.flatbuffer, model.manifest, model.labels, model.golden, model.card)
    assert parse_bytes(packed) == model == parse_bytes(content)
    assert model_file.pack(model.flatbuffer, model.manifest, model.labels, model.golden, model.card) == packed


def test_what_deflates_too_well_is_stored(model: ModelFile) -> None:
    flat = bytes(1 << 20)
    members = {**model.manifest.members, "golden.npz": sha256(flat)}
    manifest = dataclasses.replace(model.manifest, members=members)
    packed = model_file.pack(model.flatbuffer, manifest, model.labels, flat, model.card)
    assert parse_bytes(packed).golden == flat


def test_any_zip_tool_lists_it(model_path: Path) -> None:
    listing = subprocess.run(["python3", "-m", "zipfile", "-l", model_path], capture_output=True, text=True, check=True)
    assert all(name in listing.stdout for name in model_file.MEMBER_CAPS)


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


@pytest.mark.parametrize("lie", REFUSALS)
def test_refuses_each_lie_before_an_interpreter_sees_it(
    lie: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper, error, message = REFUSALS[lie]
    tampered = tamper(content)

    # Whoever asks for the interpreter, in this process or the probe's, gets another error.
    monkeypatch.setenv(CHOICE, "none")
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
        ("inputs", _first(scales=(0.5,)), "input is not uint8 of scale 0.00392157"),
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
    monkeypatch.setattr(model_file, "read_graph", lambda flatbuffer: changed)
    with pytest.raises(errors.Contradiction, match=problem):
        model_file.check_agreement(model.manifest, model.labels, model.flatbuffer)


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
            probe(bytes(hostile))
        except errors.ProbeFailed:
            died += 1
            break
    assert died


def test_a_sound_network_passes_the_probe(model: ModelFile) -> None:
    probe(model.flatbuffer)


def test_a_name_in_the_error_is_the_files(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"not a model at all")
    with pytest.raises(errors.NotAModelFile, match=r"broken\.tflite: this is not a TFLite model"):
        model_file.read(path)


def test_writing_checks_first_and_leaves_the_old_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    model_file.write(path, content)
    with pytest.raises(errors.ModelFileError):
        model_file.write(path, content[:-50])
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_the_manifest_refuses_what_its_classes_refuse(model: ModelFile) -> None:
    with pytest.raises(ValueError, match="strict below 1"):
        dataclasses.replace(model.manifest.confidence.reject_below, strict=1.0)
    with pytest.raises(ValueError, match="logit_tolerance must be from 1 to 16"):
        dataclasses.replace(model.manifest.self_test, logit_tolerance=17)
    with pytest.raises(ValueError, match="at least 2"):
        dataclasses.replace(model.manifest.output, classes=1)

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import Finished, fedge, one_line_error
from waiting import eventually

import fedge as package
from fedge.cli.main import run as run_command
from fedge.data import fashion_mnist
from fedge.model.interpreter import runtime_name
from fedge.model.shipped import DEFAULT

MAKING = ["train", "average", "quantize", "backbone", "teach", "adopt", "export"]
COMMANDS = [*MAKING, "eval", "run", "capture", "replay", "info", "verify", "bench", "samples", "doctor"]
HEAVY = {"tensorflow", "tf_keras", "tensorflow_model_optimization", "matplotlib", "sklearn", "scipy"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures") / "samples"
    assert fedge("samples", folder, "--count", 10).code == 0
    return folder


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "trousers.avi"
    shots, labels = fashion_mnist.load("test")
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (320, 240))
    trousers = cv2.resize(255 - shots[labels == 1][0], (200, 200), interpolation=cv2.INTER_CUBIC)
    frame = np.full((240, 320, 3), 255, np.uint8)
    frame[20:220, 60:260] = trousers[:, :, np.newaxis]
    for _ in range(30):
        writer.write(frame)
    writer.release()
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_refuses_a_foreign_option(command: str) -> None:
    done = fedge(command, "--help")
    assert done.code == 0 and "Usage: fedge" in done.out and done.err == ""
    wrong = fedge(command, "--no-such-option")
    assert wrong.code == 2 and "--no-such-option" in one_line_error(wrong)


def test_a_word_that_is_no_choice_is_told_in_one_plain_line() -> None:
    wrong = fedge("run", "--rotate", "45")
    assert wrong.code == 2
    assert one_line_error(wrong) == (
        "fedge: Invalid value for '--rotate': '45' is not one of '0', '90', '180', '270' (see `fedge run --help`)"
    )


def test_help_lists_every_command_and_version_is_the_packages() -> None:
    listed = fedge("--help").out
    assert all(f"  {command} " in listed for command in COMMANDS)
    assert fedge("--version").out == f"fedge {package.__version__}\n"
    bare = fedge()
    assert bare.code == 2 and bare.out == listed


def imported_by(*arguments: object) -> set[str]:
    """The top-level packages that a command has imported when it ends."""
    code = (
        "import sys, json; from fedge.cli.main import run; code = run(sys.argv[1:]); "
        "print(json.dumps([code, sorted({m.split('.')[0] for m in sys.modules})]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)
    exit_code, modules = json.loads(done.stderr.splitlines()[-1])
    assert exit_code == 0, done.stderr
    return set(modules)


def test_the_device_side_never_imports_what_only_training_needs(model_path: Path, pictures: Path) -> None:
    for arguments in (
        ("--help",),
        ("run", model_path, "--source", pictures),
        ("info", model_path),
        ("info",),
        ("verify", model_path),
        ("eval", model_path, "--data", "fashion-mnist"),
        ("bench", model_path, "--frames", 3),
    ):
        assert not imported_by(*arguments) & HEAVY, arguments
    assert not imported_by("--help") & {"numpy", "cv2"}


def test_imports_go_one_way(tmp_path: Path) -> None:
    root = Path(package.__file__).parents[2]
    # With the script beside this Python: outside of an environment that is active PATH does not name it.
    lint = Path(sys.executable).with_name("lint-imports")
    kept = subprocess.run([lint, "--no-cache"], cwd=root, capture_output=True, text=True)
    assert kept.returncode == 0 and "0 broken" in kept.stdout, kept.stdout
    for folder in ("edge", "train", "quantize"):
        shutil.copytree(root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.tflite", "__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    with (tmp_path / "edge/fedge/images/resize.py").open("a") as module:
        module.write("import fedge.runner.loop\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(tmp_path / f) for f in ("edge", "train", "quantize"))}
    broken = subprocess.run([lint, "--no-cache"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert broken.returncode == 1 and "fedge.images.resize -> fedge.runner.loop" in broken.stdout, broken.stdout


def test_a_missing_extra_is_said_with_its_mend(tmp_path: Path) -> None:
    # A tensorflow that is not there: an entry of None makes `import tensorflow` fail as it does on a Pi.
    code = "import sys; sys.modules['tensorflow'] = None; from fedge.cli.main import run; sys.exit(run(sys.argv[1:]))"
    for arguments in (["train"], ["quantize", str(tmp_path)], ["eval", str(tmp_path)]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
        error = one_line_error(Finished(done.returncode, done.stdout, done.stderr))
        assert done.returncode == 1 and "pip install 'fedge[train]'" in error


def test_pictures_give_a_json_line_each(model_path: Path, pictures: Path) -> None:
    lines = fedge("run", model_path, "--source", pictures, "--json").lines()
    assert [line["frame"] for line in lines] == list(range(10))
    for line in lines:
        assert line.keys() >= {"frame", "source", "time", "label", "score", "top", "age_ms", "infer_ms"}
        best, score = line["top"][0]
        assert line["time"].endswith("Z") and line["label"] in (best, None) and line["score"] == score
        assert line.get("rejected", False) == (line["label"] is None)
        assert 0 <= line["infer_ms"] <= line["age_ms"]
    right = sum(Path(line["source"]).stem.startswith(line["top"][0][0].lower().replace(" ", "-")[:5]) for line in lines)
    assert right >= 8  # ten test pictures at about 95%: fewer than eight happens once in some hundred choices


def test_a_single_picture_a_glob_and_a_video_run(model_path: Path, pictures: Path, video: Path) -> None:
    one = next(pictures.glob("trouser-*"))
    done = fedge("run", model_path, "--source", one)
    assert done.code == 0 and done.out.startswith(f"{one.name}: Trouser ")
    assert len(fedge("run", model_path, "--source", f"{pictures}/t*.png", "--json").lines()) == 2
    frames = fedge("run", model_path, "--source", video, "--json").lines()
    assert len(frames) == 30 and {line["label"] for line in frames} == {"Trouser"}
    assert len(fedge("run", model_path, "--source", video, "--json", "--frames", 4).lines()) == 4


def test_a_shipped_model_is_found_by_its_name_and_is_the_default(pictures: Path, tmp_path: Path) -> None:
    by_name = fedge("run", DEFAULT, "--source", pictures, "--json", cwd=tmp_path).lines()
    by_default = fedge("run", "--source", pictures, "--json", cwd=tmp_path).lines()
    assert [line["top"] for line in by_name] == [line["top"] for line in by_default]


def test_a_picture_whose_name_is_not_utf_8_is_answered_everywhere(pictures: Path, tmp_path: Path) -> None:
    odd = tmp_path / "pictures" / os.fsdecode(b"\xe9t\xe9.png")
    odd.parent.mkdir()
    odd.write_bytes(next(pictures.rglob("*.png")).read_bytes())
    done = fedge("run", "--source", odd.parent, "--json", "--csv", tmp_path / "a.csv", "--sqlite", tmp_path / "a.db")
    assert done.code == 0 and done.err == ""
    assert [line["source"] for line in done.lines()] == [f"{odd.parent}/\\xe9t\\xe9.png"]
    assert "\\xe9t\\xe9.png" in (tmp_path / "a.csv").read_text()


def test_usage_errors_exit_2(pictures: Path) -> None:
    for arguments in (
        ("run",),
        ("run", "--camera", "--source", pictures),
        ("run", "--device", 0, "--source", pictures),
    ):
        assert fedge(*arguments).code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "nothing.tflite", "--camera"), "there is no model nothing.tflite"),
        (("run", "--source", "nothing.png"), "there is no file, folder or picture nothing.png"),
        (("run", "--camera", "--device", "front"), "'front' is no camera"),
        (("run", "--camera", "--device", "97"), "camera 97 cannot be opened"),
        (("run", "--source", "http://127.0.0.1:9/stream"), "cannot be opened"),
        (("run", "--source", "{here}/empty"), "has no pictures"),
        (("run", "--source", "{here}/broken.png"), "cannot be decoded"),
        (("run", "--source", "{here}/broken.avi"), "cannot be opened"),
        (("info", "{here}/broken.png"), "this is not a TFLite model"),
        (("verify", "{here}/broken.png"), "this is not a TFLite model"),
        (("eval", "base", "--data", "{here}/nowhere"), "there is no folder"),
        (("eval", "base", "--map", "{here}/nowhere.json", "--data", "{here}"), "label map"),
    ],
)
def test_errors_are_one_line_with_a_mend_and_exit_1(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("broken.png", "broken.avi"):
        (tmp_path / name).write_bytes(b"this is no picture")
    done = fedge(*(argument.format(here=tmp_path) for argument in arguments))
    assert done.code == 1 and message in one_line_error(done) and "; " in done.err


def test_a_bug_is_saved_and_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("fedge.commands.info.shipped_info", lambda: 1 / 0)
    assert run_command(["info"]) == 70
    error = capsys.readouterr().err
    log = Path(error.split()[-1])
    assert "ZeroDivisionError" in error and "Traceback" in log.read_text()
    log.unlink()


def test_a_reader_that_has_seen_enough_ends_the_run_quietly(model_path: Path, video: Path) -> None:
    command = f'"{sys.executable}" -m fedge run "{model_path}" --source "{video}" --json | head -n 1'
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1 and done.stderr == ""


def loads_the_interpreter(process: int) -> bool:
    return runtime_name() in Path(f"/proc/{process}/maps").read_text()


def has_worked_for_seconds(process: int) -> bool:
    # The fields after the name in brackets begin with the third; the fourteenth is the time in user mode (proc(5)).
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[14 - 3]) / os.sysconf("SC_CLK_TCK") > 3


@pytest.mark.parametrize("moment", [loads_the_interpreter, has_worked_for_seconds])
def test_ctrl_c_ends_a_command_with_130(model_path: Path, moment: Callable[[int], bool]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fedge", "bench", model_path, "--frames", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: moment(process.pid))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130 and out == "" and "Traceback" not in err

"""The slips of a newcomer: each is one line that names the mend."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import Finished, fedge, one_line_error

from fedge.cli.main import run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_path: Path) -> Path:
    """A folder with pictures, a run without a model file, a run with one, and files of other types."""
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "trained", "quantized", "several"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pic.jpg").write_bytes(b"\xff\xd8")
    for folder in ("trained", "quantized"):
        (tmp_path / folder / "config.json").write_text("{}")
    for place in ("quantized/mine.tflite", "several/a.tflite", "several/b.tflite"):
        (tmp_path / place).write_bytes(model_path.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "code", "mend"),
    [
        # A wrong folder.
        ("run --source phots", 1, "check the path"),
        ("train --data phots", 1, "a folder with a folder per class"),
        # A misspelt model, architecture, option, value and command.
        ("run campera --camera", 1, "did you mean camera?"),
        ("info smal", 1, "did you mean small?"),
        ("verify smal", 1, "did you mean small?"),
        ("train --arch smal", 1, "did you mean small?"),
        ("run --camera --mqtt-password x", 2, "--mqtt-password-file"),
        ("run --camera --reject strickt", 2, "did you mean strict?"),
        ("rum --camera", 2, "Did you mean 'run'"),
        # A wrong file type, and a picture where the model stands.
        ("info pic.jpg", 1, "give a .tflite file"),
        ("run pic.jpg", 2, "--source pic.jpg"),
        ("run photos", 2, "--source photos"),
        ("run base pic.jpg", 2, "--source pic.jpg"),
        # The run's folder exists.
        ("train --out trained", 1, "--resume"),
        # Quantizing was forgotten.
        ("run trained --camera", 1, "fedge quantize trained"),
        ("verify trained", 1, "fedge quantize trained"),
        ("info several", 1, "several/a.tflite"),
        # Nothing was given.
        ("run", 2, "give either --camera or --source"),
        ("quantize", 2, "Missing argument"),
    ],
)
def test_a_slip_is_one_line_that_names_the_mend(
    here: Path, typed: str, code: int, mend: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(typed.split()) == code
    captured = capfd.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert mend in line


def test_a_camera_that_is_not_there_is_named_and_needs_no_second_option() -> None:
    assert "camera 97 cannot be opened; check that it is plugged in" in one_line_error(fedge("run", "--device", 97))


def test_an_extra_that_is_missing_is_named() -> None:
    code = "import sys; sys.modules['paho'] = None; from fedge.cli.main import run; sys.exit(run(sys.argv[1:]))"
    arguments = ["service", "install", "--dry-run", "--", "--camera", "--mqtt", "mqtt://h"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert "pip install 'fedge[mqtt]'" in one_line_error(Finished(done.returncode, done.stdout, done.stderr))


def test_a_run_s_folder_stands_for_its_model_file(here: Path) -> None:
    assert json.loads(fedge("info", "quantized", "--json").out)["path"].endswith("quantized/mine.tflite")
    assert fedge("verify", "quantized").code == 0

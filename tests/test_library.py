"""The library's face: what `import fedge` gives, and that the examples of its documentation run."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from support import fedge as command

import fedge
from fedge.errors import DataError

ROOT = Path(fedge.__file__).parents[2]
PROMISED = {
    *("load", "Classifier", "Answer", "ModelFile", "read_model_file", "Recipe", "prepare", "open_source"),
    *("open_camera", "Frame", "Fault", "InMemoryCamera", "self_test", "FedgeError"),
}


def test_the_face_has_what_is_promised_and_no_more() -> None:
    assert set(fedge.__all__) == PROMISED and fedge.__all__ == sorted(fedge.__all__)
    for name in fedge.__all__:
        assert inspect.getdoc(getattr(fedge, name)), name
    assert set(dir(fedge)) >= PROMISED
    with pytest.raises(AttributeError):
        _ = fedge.nonsense


@pytest.mark.parametrize("name", ["", *sorted(PROMISED)])
def test_importing_loads_nothing_heavy(name: str) -> None:
    heavy = "set(sys.modules) & {'numpy', 'cv2', 'ai_edge_litert', 'typer'}"
    code = f"import sys, fedge; assert not {heavy}; {f'fedge.{name}' if name else 'pass'}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_picture_may_be_an_array_a_path_or_pils(tmp_path: Path) -> None:
    assert command("samples", tmp_path / "pictures", "--count", 10).code == 0
    classifier = fedge.load("small")
    for path in sorted((tmp_path / "pictures").iterdir()):
        array = cv2.imread(str(path))
        assert array is not None
        answers = [classifier(p) for p in (path, str(path), np.asarray(array, dtype=np.uint8), Image.open(path))]
        assert len({(a.label, a.top) for a in answers}) == 1
    with pytest.raises(DataError):
        classifier(tmp_path / "nothing.png")
    with pytest.raises(TypeError, match="uint8"):
        classifier(np.zeros((8, 8)))  # type: ignore[arg-type]


def test_reject_is_an_argument() -> None:
    model = fedge.read_model_file(ROOT / "edge/fedge/model/shipped_models/small.tflite")
    noise = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    answers = {mode: fedge.Classifier(model, reject=mode)(noise).label for mode in ("off", "strict")}
    assert answers["strict"] is None


def test_the_examples_of_the_documentation_run(tmp_path: Path) -> None:
    assert command("samples", tmp_path / "pictures", "--count", 10).code == 0
    (tmp_path / "bag.png").write_bytes(next((tmp_path / "pictures").iterdir()).read_bytes())
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs/library.md").read_text(), re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        # There is no camera here; the public one without hardware stands in for it.
        camera = "fedge.InMemoryCamera([__import__('cv2').imread('bag.png')] * 5)"
        code = re.sub(r"fedge\.open_camera\(.*\)", camera, example)
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    types = tmp_path / "user.py"
    types.write_text("".join(examples) + "\n" + "\n".join(f"print(fedge.{name})" for name in fedge.__all__))
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nstrict = true\n")
    mypy = [sys.executable, "-m", "mypy", "--config-file", config, types]
    done = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, env={"MYPYPATH": str(ROOT / "edge")})
    assert done.returncode == 0, done.stdout

"""Recipes: each is sound and planned; one is followed with a few pictures, killed, and goes on."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import write_class_folders
from waiting import TRAINING_SECONDS, eventually

from fedge.cli.main import run as command
from fedge.data import fashion_mnist
from fedge.data.label_map import LabelMap
from fedge.data.load import default_recipe, load_dataset
from fedge.errors import ConfigError
from fedge.model import file as model_file
from fedge.model.shipped import shipped_models
from fedge_train.networks.architectures import build
from fedge_train.recipes.recipe import Recipe, read_recipe, shipped_recipes

CLASSES = ["Bag", "Sneaker", "Trouser"]
MINE = """\
name = "mine"
bytes = 40_000

[data]
photos = ""

[[step]]
name = "teacher"
command = "train"
arch = "nano"
data = ["photos"]
size = 16
color = false
epochs = 2

[[step]]
name = "pupil"
command = "train"
arch = "nano"
data = ["photos"]
size = 16
color = false
teacher = ["teacher"]
epochs = 2

[[step]]
name = "int8"
command = "quantize"
run = "pupil"
method = "ptq"
max-drop = 60
"""


def test_each_shipped_model_has_a_recipe_from_pictures_alone() -> None:
    assert set(shipped_recipes()) == set(shipped_models())
    for name in shipped_recipes():
        recipe = read_recipe(name)
        assert recipe.name == name and set(recipe.data) <= {fashion_mnist.NAME, "clothing"}
        assert all(recipe.data.values()), "each data set has its hash"
        made: set[str] = set()
        for step in recipe.steps:
            assert set(step.takes) <= made
            made.add(step.name)
        assert recipe.steps[-1].command == "quantize"


@pytest.mark.parametrize("name", ["base", "small", "nano", "camera"])
def test_a_recipe_is_planned_without_training(name: str) -> None:
    full, trial = read_recipe(name), read_recipe(name, scale=0.01)
    for step, tried in zip(full.steps, trial.steps, strict=True):
        assert step.sha256 != tried.sha256
        if step.options is None or tried.options is None:
            continue
        assert step.options.sealed and tried.options.sealed and tried.options.share == 0.01
        assert step.options.epochs is not None and tried.options.epochs == max(1, round(step.options.epochs / 100))
        assert step.options.architecture is not None
        shape = (28, 28, 1)
        # A network of int8 weights has at least a byte for each.
        if step.name == name:
            assert build(step.options.architecture, shape, 10).count_params() <= full.most_bytes
        # An epoch shows at least one picture of each part.
        assert len(step.options.weights) in (0, len(step.options.data))


def test_all_recipes_share_one_teacher() -> None:
    teachers = {read_recipe(name).steps[0].sha256 for name in shipped_recipes()}
    assert len(teachers) == 1


def mine(folder: Path, text: str = MINE) -> Path:
    (folder / "mine.toml").write_text(text)
    return folder / "mine.toml"


def steps(path: Path) -> dict[str, str]:
    return {step.name: step.sha256 for step in read_recipe(str(path)).steps}


def test_a_steps_hash_is_of_all_that_it_depends_on(tmp_path: Path) -> None:
    before = steps(mine(tmp_path))
    assert steps(mine(tmp_path, "# A comment changes nothing.\n" + MINE)) == before
    pupil = steps(mine(tmp_path, MINE.replace('teacher = ["teacher"]', 'teacher = ["teacher"]\nseed = 1')))
    assert pupil["teacher"] == before["teacher"]
    assert pupil["pupil"] != before["pupil"] and pupil["int8"] != before["int8"]
    other = steps(mine(tmp_path, MINE.replace("epochs = 2", "epochs = 3", 1)))
    assert all(other[name] != before[name] for name in before)
    data = steps(mine(tmp_path, MINE.replace('photos = ""', f'photos = "{"0" * 64}"')))
    assert all(data[name] != before[name] for name in before)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("epochs = 2", "epoch = 2", "fedge train has no epoch in a recipe; did you mean epochs?"),
        ("epochs = 2", 'epochs = "two"', "teacher: epochs must be a whole number, not 'two'"),
        ("epochs = 2", "epochs = 0", "teacher: epochs must be at least 1"),
        ("epochs = 2\n", "", "teacher does not say its epochs; write epochs = ..."),
        ('arch = "nano"', 'arch = "smal"', "there is no architecture 'smal'; did you mean small?"),
        (
            'teacher = ["teacher"]',
            'teacher = ["techer"]',
            "teacher: no step before pupil trains 'techer'",
        ),
        ('teacher = ["teacher"]', 'teacher = ["base"]', "teacher: no step before pupil trains 'base'"),
        (
            'teacher = ["teacher"]',
            'from = "old.tflite"',
            "from: no step before pupil trains 'old.tflite'",
        ),
        ('run = "pupil"', 'run = "int8"', "run: no step before int8 trains 'int8'"),
        ('data = ["photos"]', 'data = ["more"]', "[data] has no 'more'"),
        ('photos = ""', 'photos = "abc"', "[data] must give each data set its SHA-256"),
        ('name = "pupil"', 'name = "teacher"', "a step's name is missing, taken or none"),
        ('command = "quantize"', 'command = "quantise"', "int8 has no command that a recipe knows"),
        ("epochs = 2", 'final-fit = "int8"', "final-fit: no step before teacher trains 'int8'"),
        ("max-drop = 60", 'max-drop = "x"', "int8: max_drop must be a number"),
        ("bytes = 40_000", "bytes = 0", "bytes is not there or no number"),
        ("bytes = 40_000", "size = 1", "a recipe has no size"),
        ("bytes = 40_000", "bytes = ", "Invalid value"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(old: str, new: str, says: str, tmp_path: Path) -> None:
    line = MINE[: MINE.index(old)].count("\n") + 1
    # Of what is not there at all, the line of what it belongs to is told.
    line = {"epochs = 2\n": 8, 'photos = ""': 4}.get(old, line)
    with pytest.raises(ConfigError) as error:
        read_recipe(str(mine(tmp_path, MINE.replace(old, new, 1))))
    assert f"mine.toml:{line}: {says}" in str(error.value)


def test_a_recipe_that_does_not_quantize_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the last step does not quantize"):
        read_recipe(str(mine(tmp_path, MINE.partition('[[step]]\nname = "int8"')[0])))
    with pytest.raises(ConfigError, match="there is no recipe bse; did you mean base"):
        read_recipe("bse")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--recipe", "nano", "--epochs", "3"], "--epochs does not go with --recipe"),
        (["--scale", "0.5"], "--scale goes with --recipe"),
        (["--recipe", "camera", "--data", "nowhere"], "needs the photographs clothing, and there is no folder nowhere"),
    ],
)
def test_what_does_not_go_with_a_recipe_is_refused(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert command(["train", *arguments, "--out", str(out)]) == 1
    assert says in capsys.readouterr().err.splitlines()[-1] and not out.exists()


def folder_of(out: Path, recipe: Recipe, name: str) -> Path:
    return out / f"{name}-{next(step.sha256 for step in recipe.steps if step.name == name)[:12]}"


def test_a_recipe_that_is_killed_goes_on_and_skips_what_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, photos = tmp_path / "out", write_class_folders(tmp_path / "photos", CLASSES, 100)
    path = mine(tmp_path)
    recipe, order = read_recipe(str(path)), ["train", "--recipe", str(path), "--data", str(photos), "--out", str(out)]
    teacher, pupil = folder_of(out, recipe, "teacher"), folder_of(out, recipe, "pupil")
    # Cut off before there was anything to go on from: it begins again.
    teacher.mkdir(parents=True)
    (teacher / ".config.json.cut-off").write_text("{")
    process = subprocess.Popen([sys.executable, "-m", "fedge", *order], stderr=subprocess.DEVNULL)
    eventually(lambda: process.poll() is not None or list(pupil.glob("checkpoints/epoch-0001-*")), TRAINING_SECONDS)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (teacher / "report.json").is_file() and not (out / "mine.tflite").exists()
    first = (teacher / "report.json").stat().st_mtime_ns

    assert command([*order, "--json"]) == 0
    said = capsys.readouterr()
    row = json.loads(said.out)["models"][0]
    assert "step 1 of 3, teacher: done before" in said.err and (teacher / "report.json").stat().st_mtime_ns == first
    assert row["name"] == "mine" and row["n"] == 60 and row["judged_on"] == "test" and row["accepted"]
    assert json.loads((pupil / "report.json").read_text())["judged_on"] == "held_out"
    assert row["bytes"] <= row["most_bytes"] == 40_000

    facts = model_file.read(out / "mine.tflite").manifest.training.recipe
    assert facts is not None and facts.name == "mine" and facts.sha256 == recipe.sha256 and facts.scale == 1
    assert [(step.name, step.sha256) for step in facts.steps] == [(step.name, step.sha256) for step in recipe.steps[:2]]
    assert f"mine (SHA-256 {recipe.sha256}): teacher, pupil" in model_file.read(out / "mine.tflite").card
    assert command(["info", str(out / "mine.tflite")]) == 0
    assert f"recipe     mine (SHA-256 {recipe.sha256}): teacher, pupil" in capsys.readouterr().out

    # All is done: nothing is made again.
    assert command(order) == 0
    said = capsys.readouterr()
    assert said.err.count("done before") == 3 and said.out.splitlines()[1].split()[:2] == ["mine", f"{row['bytes']:,}"]

    # A smaller limit changes no step; what exceeds it is written and told, and refused.
    mine(tmp_path, MINE.replace("bytes = 40_000", "bytes = 10_000"))
    assert command(order) == 3
    said = capsys.readouterr()
    assert said.err.count("done before") == 3 and "10,000 EXCEEDED" in said.out and (out / "mine.tflite").is_file()
    assert said.err.splitlines()[-1] == (
        f"fedge: more than the recipe promises: mine has {row['bytes']:,} bytes of 10,000; "
        "give the recipe a smaller arch, or raise its bytes"
    )


def test_a_trial_of_a_shipped_recipe_makes_a_model_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["train", "--recipe", "nano", "--scale", "0.002", "--out", str(tmp_path / "out")]) == 0
    table = capsys.readouterr().out
    assert "32,000 " in table and "EXCEEDED" not in table and "20 test pictures" in table and "UNPROVED" in table
    manifest = model_file.read(tmp_path / "out/nano.tflite").manifest
    assert manifest.name == "nano" and manifest.parity is not None and manifest.parity.proof == "none"
    assert command(["info", str(tmp_path / "out/nano.tflite")]) == 0
    assert "teacher, nano, a trial with 0.20% of its epochs and pictures" in capsys.readouterr().out


def test_other_pictures_than_the_recipe_names_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = write_class_folders(tmp_path / "photos", CLASSES, 10)
    path = mine(tmp_path, MINE.replace('photos = ""', f'photos = "{"0" * 64}"'))
    assert command(["train", "--recipe", str(path), "--data", str(photos), "--out", str(tmp_path / "out")]) == 1
    assert "does not hold the pictures that are asked for, of SHA-256 000000000000" in capsys.readouterr().err


FINAL = MINE.replace('run = "pupil"', 'run = "final"').replace(
    '[[step]]\nname = "int8"',
    '[[step]]\nname = "final"\ncommand = "train"\nfinal-fit = "pupil"\n\n[[step]]\nname = "int8"',
)


def test_a_recipe_ends_with_a_last_fit_on_all_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, photos = tmp_path / "out", write_class_folders(tmp_path / "photos", CLASSES, 100)
    path = mine(tmp_path, FINAL)
    order = ["train", "--recipe", str(path), "--data", str(photos), "--out", str(out)]
    assert command(order) == 0
    recipe = read_recipe(str(path))
    pupil, final = (
        json.loads((folder_of(out, recipe, name) / "report.json").read_text()) for name in ("pupil", "final")
    )
    assert final["pictures"]["train"] == pupil["pictures"]["train"] + pupil["pictures"]["held_out"]
    assert final["judged_on"] == "held_out" and final["epochs"] == pupil["best_epoch"]
    facts = model_file.read(out / "mine.tflite").manifest.training.recipe
    assert facts is not None and [step.name for step in facts.steps] == ["teacher", "pupil", "final"]
    assert command(order) == 0
    assert capsys.readouterr().err.count("done before") == 4


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'final-fit = "pupil"',
            'final-fit = "pupil"\nseed = 3',
            "seed does not go with final-fit, which trains as pupil",
        ),
        ('final-fit = "pupil"', 'final-fit = ["pupil"]', "final-fit takes one step that trains; name that step"),
        (
            'name = "int8"',
            'name = "more"\ncommand = "average"\nruns = ["pupil", "final"]\n\n[[step]]\nname = "int8"',
            "runs: final has learned the held-out pictures; name the step that it was made of",
        ),
        (
            'name = "int8"',
            'name = "early"\ncommand = "quantize"\nrun = "final"\n\n[[step]]\nname = "int8"',
            "early would open the test, which only the last step may, to judge a last fit",
        ),
    ],
)
def test_a_last_fit_that_would_not_be_honest_is_refused(old: str, new: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read_recipe(str(mine(tmp_path, FINAL.replace(old, new, 1))))
    assert says in str(error.value)


TAUGHT_FIRST = MINE.replace('photos = ""', f'photos = "{"0" * 64}"\nfashion-mnist = ""').replace(
    'data = ["photos"]', 'data = ["fashion-mnist"]', 1
)
MAPPED = MINE.replace(
    'photos = ""', 'photos = ""\n\n[map]\nbags = "Bag"\nsneakers = ["Sneaker"]\ntrousers = "Trouser"\nother = ""'
)
FOLDERS = {"bags": "Bag", "sneakers": "Sneaker", "trousers": "Trouser"}


def test_other_photographs_are_refused_before_a_teacher_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, path, out = (
        write_class_folders(tmp_path / "photos", CLASSES, 10),
        mine(tmp_path, TAUGHT_FIRST),
        tmp_path / "out",
    )
    assert command(["train", "--recipe", str(path), "--data", str(photos), "--out", str(out)]) == 1
    told = capsys.readouterr().err
    assert "does not hold the pictures that are asked for" in told and "step 1" not in told
    assert not list(out.glob("*/config.json"))


@pytest.mark.parametrize(
    ("folders", "says"),
    [
        ({**FOLDERS, "others": "Bag"}, "has others, which [map] does not name; name the folders as in its [map]"),
        (FOLDERS, "has no other; name the folders as in its [map]"),
    ],
)
def test_folders_that_the_map_does_not_name_are_refused(
    folders: dict[str, str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, path, out = tmp_path / "photos", mine(tmp_path, MAPPED), tmp_path / "out"
    rename(write_class_folders(photos, CLASSES, 10), folders)
    assert command(["train", "--recipe", str(path), "--data", str(photos), "--out", str(out)]) == 1
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .endswith(f"{photos} {says}, or follow a recipe of your own with another")
    )
    assert not out.exists()


def rename(photos: Path, folders: dict[str, str]) -> None:
    """Gives the class folders other names; the first of several of one class is its own, the others are copies."""
    for name, label in folders.items():
        shutil.copytree(photos / label, photos / name)
    for label in CLASSES:
        shutil.rmtree(photos / label)


def test_a_map_goes_by_names_whatever_order_the_folders_were_made_in(tmp_path: Path) -> None:
    recipe = read_recipe(str(mine(tmp_path, MAPPED)))
    label_map = LabelMap(recipe.label_map)
    found = []
    for place, classes in (("one", CLASSES), ("two", CLASSES[::-1])):
        photos = write_class_folders(tmp_path / place, classes, 10)
        rename(
            photos,
            {**dict(reversed(FOLDERS.items())), "other": "Bag"} if place == "two" else {**FOLDERS, "other": "Bag"},
        )
        found.append(load_dataset((str(photos),), default_recipe((str(photos),)), label_map))
    assert found[0].labels == found[1].labels == ("Bag", "Sneaker", "Trouser")
    assert found[0].source_sha256(0) == found[1].source_sha256(0)


@pytest.mark.slow
def test_the_recipe_of_camera_is_followed_with_other_photographs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = shipped_recipes()["camera"].read_text()
    given, photos = read_recipe("camera"), tmp_path / "photos"
    path = mine(tmp_path, shipped.replace(given.data["clothing"], ""))
    write_class_folders(
        tmp_path / "source", sorted({classes[0] for classes in given.label_map.values() if classes}), 20
    )
    for folder, classes in given.label_map.items():
        label = classes[0] if classes else "Shirt"
        shutil.copytree(tmp_path / "source" / label.replace("/", "-"), photos / folder)
    out = tmp_path / "out"
    assert command(["train", "--recipe", str(path), "--scale", "0.003", "--data", str(photos), "--out", str(out)]) == 0
    table = capsys.readouterr().out
    assert "250,000 " in table and "EXCEEDED" not in table and "UNPROVED" in table
    training = model_file.read(out / "camera.tflite").manifest.training
    assert training.recipe is not None and training.data == "fashion-mnist+photos"
    assert [step.name for step in training.recipe.steps] == ["teacher", "photographer", "photographer-2", "camera"]
    assert len(training.teachers) == 3

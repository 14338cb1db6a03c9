"""`fedge tune`: what it chooses from, what it takes for the best, and that it leaves the test alone."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from opened_files import opened_by
from support import fedge, one_line_error, write_class_folders

from fedge.errors import FedgeError
from fedge_quantize.tuning.measure import frame_ms, require_device
from fedge_quantize.tuning.page import page
from fedge_quantize.tuning.search import end_early, left, search
from fedge_quantize.tuning.settings import TuneOptions
from fedge_quantize.tuning.space import draw, known
from fedge_quantize.tuning.study import LIMITS, best_of, open_study, over_limits, pareto, require_no_password, rows


def options(folder: Path, **changed: object) -> TuneOptions:
    return replace(TuneOptions(("photos",), folder), **changed)  # type: ignore[arg-type]


def tried(study: optuna.Study, accuracy: float, size: int, ms: float, asked: TuneOptions) -> None:
    """A trial that came to these figures."""
    trial = study.ask()
    chosen = draw(trial, asked)
    facts = {"bytes": size, "ms": ms, "architecture": chosen.architecture, "size": chosen.size, "run": "runs/x"}
    for name, value in facts.items():
        trial.set_user_attr(name, value)
    trial.set_user_attr(LIMITS, over_limits(asked, size, ms, 0.1))
    study.tell(trial, accuracy)


def test_trials_train_without_the_test_and_the_best_is_a_run(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_class_folders(data / "train", ["Bag", "Sneaker"], 40, start=100)
    write_class_folders(data / "test", ["Bag", "Sneaker"], 5)
    out = tmp_path / "out"
    asked = ["tune", "--data", data, "--out", out, "--arch", "r4-6x1-1", "--size", 12, "--gray", "--epochs", 1]
    asked += ["--method", "ptq", "--unproved", "--trials", 1, "--minutes", 5, "--max-ms", 1000]
    opened, printed = opened_by(tmp_path / "log", *asked, "--json")
    assert any(str(data / "train/Bag") in name for name in opened)
    assert [name for name in opened if f"{data}/test/" in name] == []
    report = json.loads(printed)
    best = report["best"]
    assert report["trials"] == 1 and best["architecture"] == "r4-6x1-1" and best["feasible"] and best["ms"] > 0
    assert report["pareto_bytes"] == report["pareto_ms"] == [best]
    # What it needed is there, as it takes no TensorFlow to see.
    again = fedge(*asked)
    assert again.code == 0 and "1 trials" in again.out and "trial 0" not in again.err
    other = fedge(*asked, "--max-bytes", 5)
    assert other.code == 1 and "max_bytes differs" in one_line_error(other)
    info = fedge("info", best["run"], "--json")
    assert info.code == 0 and info.json()["training"]["architecture"] == "r4-6x1-1", info.err
    assert json.loads((Path(best["run"]) / "config.json").read_text())["sealed"]
    assert "r4-6x1-1" in (out / "tune.html").read_text()


def test_the_first_trials_are_the_shipped_recipes(tmp_path: Path) -> None:
    asked = options(tmp_path)
    study = open_study(asked)
    first = [draw(study.ask(), asked) for _ in range(2)]
    assert [chosen.architecture for chosen in first] == ["r8-16-32x1-1-1", "r16-32-48x2-2-1"]
    assert {chosen.rate for chosen in first} == {1.0} and first[0].taught is None
    third = draw(study.ask(), asked)
    assert re.fullmatch(r"r\d+-\d+-\d+x\d-\d-\d", third.architecture) and third.size in (32, 48, 64, 96)


def test_only_what_was_asked_for_is_chosen_from(tmp_path: Path) -> None:
    asked = options(tmp_path, architectures=("nano",), sizes=(40,), methods=("qat",), teachers=("base",))
    assert known(asked) == []
    study = open_study(asked)
    drawn = [draw(study.ask(), asked) for _ in range(12)]
    assert {(chosen.architecture, chosen.size, chosen.method) for chosen in drawn} == {("nano", 40, "qat")}
    assert {chosen.taught is None for chosen in drawn} == {True, False}


def test_the_best_keeps_all_limits(tmp_path: Path) -> None:
    asked = options(tmp_path, max_bytes=1000, max_ms=10.0)
    study = open_study(asked)
    for accuracy, size, ms in ((0.9, 900, 5.0), (0.95, 2000, 5.0), (0.97, 900, 20.0), (0.8, 100, 1.0), (0.7, 500, 2.0)):
        tried(study, accuracy, size, ms, asked)
    given_up = study.ask()
    study.tell(given_up, state=optuna.trial.TrialState.PRUNED)
    assert str(end_early(study.ask(), "too slow")) == "too slow"
    found = rows(study)
    best = best_of(found)
    assert best is not None and best.number == 0
    assert [row.number for row in pareto(found, "bytes")] == [3, 2]
    assert [row.number for row in pareto(found, "ms")] == [3, 1, 2]
    html = page(found, asked)
    assert html.count("<svg") == 2 and html.count("<circle") == 10 and "http" not in html
    assert best_of(found[1:3]) is None and left(study, asked) == 50 - 6


def test_the_gate_is_a_limit_unless_it_is_waived(tmp_path: Path) -> None:
    assert over_limits(options(tmp_path), 10, None, 0.75) == [0.0, 0.0, 0.25]
    assert over_limits(options(tmp_path, max_drop_pp=None), 10, None, 0.75) == [0.0, 0.0, 0.0]
    assert over_limits(options(tmp_path, max_bytes=8, max_ms=2.0), 10, 3.0, 0.5) == [0.25, 0.5, 0.0]


def test_two_workers_share_a_study_and_a_full_one_is_done(tmp_path: Path) -> None:
    asked = options(tmp_path / "a", storage=f"journal:{tmp_path}/study", trials=2)
    mine, theirs = open_study(asked), open_study(replace(asked, out=tmp_path / "b"))
    assert draw(mine.ask(), asked).architecture != draw(theirs.ask(), asked).architecture
    for study in (mine, theirs):
        tried(study, 0.5, 10, 1.0, asked)
    assert left(mine, asked) == 0
    search(mine, asked)
    by_database = replace(asked, storage=f"sqlite:///{tmp_path}/study.db")
    open_study(by_database)
    assert left(open_study(by_database), by_database) == 2


@pytest.mark.parametrize(
    ("storage", "message"), [("study.db", "neither a journal nor"), ("nonsense://u:word@h/x", "cannot be opened")]
)
def test_a_storage_that_is_none_is_refused(tmp_path: Path, storage: str, message: str) -> None:
    with pytest.raises(FedgeError, match=message) as refused:
        open_study(options(tmp_path, storage=storage))
    assert "word" not in str(refused.value)


def test_a_password_in_the_storage_is_refused() -> None:
    require_no_password("mysql://u@h/x")
    with pytest.raises(FedgeError, match="FEDGE_TUNE_STORAGE"):
        require_no_password("mysql://u:word@h/x")


def test_a_device_measures_over_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").write_bytes(b"model")
    program = tmp_path / "ssh"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    program.write_text(
        '#!/bin/sh\ncat >"$0.in"; echo "$@" >"$0.args"; echo \'{"stages_ms": {"whole": {"p50": 7.5}}}\'\n'
    )
    program.chmod(0o755)
    assert frame_ms(tmp_path / "model", "pi@camera") == 7.5
    assert (tmp_path / "ssh.in").read_bytes() == b"model" and "pi@camera f=$(mktemp" in (
        tmp_path / "ssh.args"
    ).read_text()
    program.write_text("#!/bin/sh\ncat >/dev/null; echo no route >&2; exit 255\n")
    with pytest.raises(FedgeError, match="no route"):
        frame_ms(tmp_path / "model", "pi@camera")


@pytest.mark.parametrize("device", ["-oProxyCommand=x", "pi@h; rm", "", "a b"])
def test_what_is_no_device_is_refused(device: str) -> None:
    assert require_device("pi@camera.local") == "pi@camera.local"
    with pytest.raises(FedgeError, match="USER@HOST"):
        require_device(device)

"""The model store: what is chosen runs, what was chosen before comes back, and a power cut leaves one of both."""

import contextlib
import os
from pathlib import Path

import pytest
from support import Finished, fedge, one_line_error, write_class_folders

from fedge.errors import HashMismatch, StoreError
from fedge.model.shipped import find_model, shipped_models
from fedge.store import store as store_module
from fedge.store.journal import MAX_HISTORY, NAME, read_journal, write_journal
from fedge.store.store import Store
from fedge.system.state import STORE_VARIABLE, store_folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def with_two(store: Store) -> tuple[str, str]:
    """A store with two models, of which the second is current and the first is the previous one."""
    entries = [store.add(shipped_models()[name]) for name in ("small", "nano")]
    for entry in entries:
        store.use(entry)
    return entries[0].sha256, entries[1].sha256


def command(store: Store, *arguments: object) -> Finished:
    return fedge("models", *arguments, "--store", store.folder)


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert store.current is None and store.previous is None and store.journal().entries == ()
    assert "no model in" in command(store, "list").out


def test_what_is_used_is_current_and_what_was_is_previous(store: Store) -> None:
    first, second = with_two(store)
    assert (store.current, store.previous) == (second, first)
    assert [event.action for event in store.journal().history] == ["add", "add", "use", "use"]


def test_a_rollback_brings_the_previous_one_back_with_its_reason(store: Store) -> None:
    first, _ = with_two(store)
    assert store.rollback("it crashed").sha256 == first
    assert (store.current, store.previous) == (first, None)
    last = store.journal().history[-1]
    assert (last.action, last.sha256, last.reason) == ("rollback", first, "it crashed")
    with pytest.raises(StoreError, match="no previous model"):
        store.rollback()


def test_neither_the_current_nor_the_previous_model_is_removed(store: Store) -> None:
    with_two(store)
    for name in ("small", "nano"):
        with pytest.raises(StoreError, match="use another first"):
            store.remove(store.find(name))
    other = store.add(shipped_models()["base"])
    store.remove(other)
    assert not store.path(other.sha256).exists()
    with pytest.raises(StoreError, match="no model base"):
        store.find("base")


def test_a_model_is_found_by_name_version_and_digits(store: Store) -> None:
    entry = store.add(shipped_models()["nano"], "2026-11")
    assert {store.find(n) for n in ("nano", "2026-11", entry.sha256, entry.sha256[:5])} == {entry}
    for unknown in (entry.sha256[:3], "nan", "", "../nano"):
        with pytest.raises(StoreError, match="no model"):
            store.find(unknown)


def test_a_file_that_is_added_twice_is_one_model(store: Store) -> None:
    first = store.add(shipped_models()["nano"])
    assert store.add(shipped_models()["nano"], "other") == first
    assert len(store.journal().entries) == 1


def test_a_damaged_file_is_not_taken(store: Store, tmp_path: Path) -> None:
    damaged = bytearray(shipped_models()["nano"].read_bytes())
    damaged[5000] ^= 1
    path = tmp_path / "damaged.tflite"
    path.write_bytes(damaged)
    with pytest.raises(HashMismatch):
        store.add(path)
    assert not store.folder.exists()


@pytest.mark.parametrize("action", ["use", "rollback"])
@pytest.mark.parametrize("step", range(6))
def test_a_cut_at_any_step_leaves_a_model_that_runs(
    store: Store, action: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = with_two(store)
    third = store.add(shipped_models()["base"])
    left = step

    class Cut(BaseException):
        pass

    def counted(name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: object, **named: object) -> object:
            nonlocal left
            if left == 0:
                raise Cut
            left -= 1
            return real(*arguments, **named)

        monkeypatch.setattr(store_module.os, name, call)

    counted("replace")
    counted("symlink")
    with contextlib.suppress(Cut):
        store.use(third) if action == "use" else store.rollback()
    monkeypatch.undo()
    assert store.current in (first, second, third.sha256)
    assert store.path(str(store.current)).is_file()
    assert store.previous != store.current
    # What was cut can be done again.
    store.use(third)
    assert store.current == third.sha256


def test_the_history_is_bounded(store: Store) -> None:
    entry = store.add(shipped_models()["nano"])
    journal = store.journal()
    event = journal.history[0]
    write_journal(store.folder, type(journal)((entry,), (event,) * (MAX_HISTORY + 50)))
    assert len(read_journal(store.folder).history) == MAX_HISTORY


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "models": [{}], "history": []}'])
def test_a_damaged_journal_is_one_line_and_stays_as_it_is(store: Store, content: str) -> None:
    with_two(store)
    (store.folder / NAME).write_text(content)
    assert NAME in one_line_error(command(store, "list"))
    assert (store.folder / NAME).read_text() == content


def test_the_folder_is_what_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORE_VARIABLE, raising=False)
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/a:{tmp_path}/b")
    assert store_folder() == tmp_path / "a" / "models"
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert store_folder() == Path("/var/lib/fedge/models")
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert store_folder() == tmp_path / "fedge" / "models"
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "own"))
    assert store_folder() == tmp_path / "own"


def test_a_current_model_is_what_runs_without_one_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE_VARIABLE, str(store.folder))
    assert find_model(None) == shipped_models()["camera"]
    store.use(store.add(shipped_models()["nano"]))
    assert find_model(None).read_bytes() == shipped_models()["nano"].read_bytes()
    assert find_model("camera") == shipped_models()["camera"]


def test_the_commands(store: Store, tmp_path: Path) -> None:
    small, nano = shipped_models()["small"], shipped_models()["nano"]
    assert command(store, "add", small).code == command(store, "add", nano, "--version", "2").code == 0
    assert command(store, "use", "small").code == command(store, "use", "2").code == 0
    listed = command(store, "list", "--json").json()
    assert [model["name"] for model in listed["models"]] == ["small", "nano"]
    assert listed["models"][1]["version"] == "2"
    assert listed["current"] == listed["models"][1]["sha256"]
    assert listed["previous"] == listed["models"][0]["sha256"]
    assert [event["action"] for event in listed["history"]] == ["add", "add", "use", "use"]
    pictures = write_class_folders(tmp_path / "pictures", ["Bag"], 1)
    ran = fedge("run", "--source", pictures / "Bag", "--json", FEDGE_STORE=str(store.folder))
    assert ran.code == 0 and len(ran.lines()) == 1
    assert fedge("info", "--json", FEDGE_STORE=str(store.folder)).code == 0
    assert "current again" in command(store, "rollback", "--reason", "worse").out
    assert "worse" in command(store, "list").out
    assert command(store, "remove", "nano").code == 0


def test_a_model_that_answers_otherwise_here_is_not_used(store: Store, wrong_golden: Path) -> None:
    with_two(store)
    current = store.current
    entry = store.add(wrong_golden)
    done = command(store, "use", entry.sha256)
    assert done.code == 3 and "golden answers" in one_line_error(done)
    assert store.current == current


def test_a_store_that_may_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "models")
    assert "may not be changed" in one_line_error(command(store, "add", shipped_models()["nano"]))

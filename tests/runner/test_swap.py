"""A model is swapped between two frames once it is proved, and the previous one comes back where it does badly."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from waiting import eventually

from fedge.images.picture import Picture
from fedge.model.classifier import Answer, Classifier, load
from fedge.model.shipped import shipped_models
from fedge.options import SwapOptions
from fedge.runner.health import Health
from fedge.runner.swap import LEAST_FRAMES, Swapper, Tally
from fedge.store import prove as prove_module
from fedge.store.newest import last_failure
from fedge.store.prove import prove
from fedge.store.store import Store
from fedge.store.trial import MOST_DEATHS, Trial, read_trial, resume, write_trial

PICTURE: Picture = np.full((48, 64, 3), 200, np.uint8)
AT_ONCE = SwapOptions(shadow_seconds=0.2, trial_seconds=3600.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "models")
    store.use(store.add(shipped_models()["small"]))
    return store


def rolled_back(store: Store) -> bool:
    return store.journal().history[-1].action == "rollback"


class Loop:
    """What the runner's loop does with a swapper, one frame at a time, and what the swapper said."""

    def __init__(self, store: Store, options: SwapOptions = AT_ONCE) -> None:
        self.said: list[str] = []
        self.classifier: Classifier = load(store.path(store.current) if store.current else "small")
        self.swapper = Swapper(store, self.classifier, Health(), options, self.said.append)

    def frame(self, change: Callable[[Answer], Answer] = lambda answer: answer, parts: int = 1) -> bool:
        """Answers so many parts of a frame; whether another classifier answers it than the one before."""
        ready = self.swapper.take()
        self.classifier = ready or self.classifier
        self.swapper.answered([(PICTURE, change(self.classifier.classify(PICTURE)))] * parts)
        return ready is not None

    def name(self) -> str:
        return self.classifier.model.manifest.name


@pytest.fixture
def loops() -> Iterator[Callable[..., Loop]]:
    made: list[Loop] = []

    def make(store: Store, options: SwapOptions = AT_ONCE) -> Loop:
        made.append(Loop(store, options))
        return made[-1]

    yield make
    for loop in made:
        loop.swapper.close()


def test_a_new_current_model_answers_after_its_proof(store: Store, loops: Callable[..., Loop]) -> None:
    loop = loops(store)
    assert not any(loop.frame() for _ in range(10))
    store.use(store.add(shipped_models()["nano"]))
    loop.swapper.look_now()
    eventually(loop.frame)
    assert loop.name() == "nano"
    eventually(lambda: read_trial(store))
    assert any("live frames" in line for line in loop.said)


def test_a_model_that_answers_otherwise_is_refused_and_the_running_one_goes_on(
    store: Store, loops: Callable[..., Loop], wrong_golden: Path
) -> None:
    before = store.current
    loop = loops(store)
    store.use(store.add(wrong_golden))
    loop.swapper.look_now()
    eventually(lambda: loop.frame() or rolled_back(store))
    assert store.current == before and loop.name() == "small" and "refused" in loop.said[-1]
    assert "logits differ" in store.journal().history[-1].reason


def test_the_first_model_of_a_store_that_is_refused_runs_after_no_restart_either(
    tmp_path: Path, loops: Callable[..., Loop], wrong_golden: Path
) -> None:
    empty = Store(tmp_path / "empty")
    loop = loops(empty)
    empty.use(empty.add(wrong_golden))
    loop.swapper.look_now()
    eventually(lambda: loop.frame() or rolled_back(empty))
    assert empty.current is None and loop.name() == "small" and "refused" in loop.said[-1]
    assert last_failure(empty.journal())


def test_a_model_that_is_too_slow_is_refused(store: Store, loops: Callable[..., Loop]) -> None:
    before = store.current
    loop = loops(store, replace(AT_ONCE, least_fps=1e9))
    store.use(store.add(shipped_models()["nano"]))
    loop.swapper.look_now()
    eventually(lambda: loop.frame() or rolled_back(store))
    assert store.current == before and loop.name() == "small" and "too long for" in loop.said[-1]


def test_the_parts_of_a_frame_are_too_slow_together(store: Store, loops: Callable[..., Loop]) -> None:
    before = store.current
    loop = loops(store, replace(AT_ONCE, least_fps=0.1))
    store.use(store.add(shipped_models()["nano"]))
    loop.swapper.look_now()
    # Each alone would do for a frame in ten seconds.
    eventually(lambda: loop.frame(lambda answer: replace(answer, preprocess_ms=0.0, infer_ms=4000.0), parts=3))
    eventually(lambda: loop.frame(lambda answer: replace(answer, preprocess_ms=0.0, infer_ms=4000.0), parts=3))
    assert loop.name() == "small" and store.current == before
    assert "12000.0 ms a frame, too long" in store.journal().history[-1].reason


def test_a_tally_counts_the_answers_of_a_frame_together() -> None:
    known = Answer("Bag", 0.9, (), 10.0, 20.0)
    tally = Tally()
    for _ in range(LEAST_FRAMES):
        assert tally.unknown_share is None
        tally.count([known, replace(known, label=None)], [known, known])
    assert (tally.frames, tally.answers, tally.agreed, tally.median_ms) == (LEAST_FRAMES, 200, 100, 60.0)
    assert tally.unknown_share == 0.5


def test_more_unknown_answers_in_the_trial_bring_the_previous_one_back(
    store: Store, loops: Callable[..., Loop]
) -> None:
    before = store.current
    loop = loops(store)
    known: Callable[[Answer], Answer] = lambda answer: replace(answer, label="Bag")  # noqa: E731
    for _ in range(LEAST_FRAMES):
        loop.frame(known)
    store.use(store.add(shipped_models()["nano"]))
    loop.swapper.look_now()
    eventually(lambda: loop.frame(known))
    eventually(lambda: read_trial(store))
    # The frames during the trial that are known keep it.
    assert not any(loop.frame(known) for _ in range(LEAST_FRAMES))
    eventually(lambda: loop.frame(lambda answer: replace(answer, label=None)))
    assert loop.name() == "small" and store.current == before
    assert "unknown answers rose" in store.journal().history[-1].reason
    assert read_trial(store) is None


def test_a_trial_that_is_over_is_passed(store: Store, loops: Callable[..., Loop]) -> None:
    loop = loops(store, replace(AT_ONCE, trial_seconds=0.0))
    store.use(store.add(shipped_models()["nano"]))
    loop.swapper.look_now()
    eventually(loop.frame)
    eventually(lambda: any("passed its trial" in line for line in loop.said))
    assert read_trial(store) is None and store.previous is not None


def test_the_second_death_in_a_trial_brings_the_previous_one_back(store: Store) -> None:
    before = store.current
    nano = store.add(shipped_models()["nano"])
    store.use(nano)
    write_trial(store, Trial(nano.sha256, 600.0))
    for death in range(1, MOST_DEATHS):
        trial, reason = resume(store)
        assert trial is not None and trial.deaths == death and not reason
        assert store.current == nano.sha256
    trial, reason = resume(store)
    assert trial is None and "died" in reason
    assert store.current == before and store.journal().history[-1].reason == reason


def test_an_orderly_end_is_no_death(store: Store) -> None:
    nano = store.add(shipped_models()["nano"])
    store.use(nano)
    write_trial(store, Trial(nano.sha256, 600.0))
    for _ in range(MOST_DEATHS + 1):
        loop = Loop(store)
        loop.swapper.close()
        trial = read_trial(store)
        assert trial is not None and not trial.running and trial.deaths == 1


def test_a_trial_of_another_model_is_over(store: Store) -> None:
    write_trial(store, Trial("0" * 64, 600.0))
    assert resume(store) == (None, "") and read_trial(store) is None


def test_a_proof_that_dies_or_babbles_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no" in prove(tmp_path / "none.tflite").reason
    for script, reason in (("kill -SEGV $$", "died of signal 11"), ("echo oh >&2; exit 1", "oh"), ("echo 1", "failed")):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(prove_module.sys, "executable", str(program))
        proof = prove(tmp_path / "x.tflite")
        assert not proof.passed and reason in proof.reason

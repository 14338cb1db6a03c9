"""A share of what tests/bench/kill9.py tries, and that it sees what a kill must not leave."""

import random
from dataclasses import replace
from pathlib import Path

import kill9
import pytest
from killing import Change, Kept, try_change, try_output

from fedge.store.store import Store

USE = next(change for change in kill9.CHANGES if change.name == "models use")


@pytest.mark.parametrize("change", kill9.CHANGES, ids=[change.name for change in kill9.CHANGES])
def test_a_killed_command_leaves_the_old_state_or_the_new(change: Change, tmp_path: Path) -> None:
    found = try_change(change, 2, random.Random(1), tmp_path)
    assert found.problems == [] and found.old + found.new == 2


@pytest.mark.parametrize("output", kill9.OUTPUTS, ids=[output.option for output in kill9.OUTPUTS])
def test_a_killed_run_leaves_what_it_wrote(output: Kept, tmp_path: Path) -> None:
    # How many answers wait to be written when the kill comes is up to how busy the machine is.
    patient = replace(output, most_lost=100)
    found = try_output(patient, 2, random.Random(1), tmp_path)
    assert found.problems == [] and found.new == 2


def test_a_state_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    def break_the_journal(folder: Path) -> bool:
        if Store(folder / "store").current == Store(folder / "store").find("2").sha256:
            return True
        raise ValueError("store.json is torn")

    found = try_change(replace(USE, is_new=break_the_journal), 4, random.Random(1), tmp_path)
    assert found.problems and "store.json is torn" in found.problems[0]


def test_more_lost_answers_than_allowed_are_told(tmp_path: Path) -> None:
    forgetful = replace(kill9.OUTPUTS[0], count=lambda path: 0, most_lost=0)
    found = try_output(forgetful, 1, random.Random(7), tmp_path)
    assert len(found.problems) == 1 and "are lost" in found.problems[0]

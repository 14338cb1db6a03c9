"""Each command that the documentation shows fits the product; what can be run cheaply is run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from documented_commands import PAGES, ROOT, Block, blocks, mentioned, problem, problem_of_a_mention

RUN = [page for page in PAGES if any(block.reason is None for block in blocks(page))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_command_is_one_that_the_product_takes(page: Path) -> None:
    for block in blocks(page):
        for words in block.commands():
            assert problem(words) is None, f"{page}: {' '.join(words)}: {problem(words)}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_sentences_name_is_there(page: Path) -> None:
    problems = {span: problem_of_a_mention(span) for span in mentioned(page)}
    assert not {span: problem for span, problem in problems.items() if problem}


@pytest.mark.parametrize(
    ("span", "why"),
    [("--camra", "--camra"), ("fedge rum", "rum"), ("fedge train --camera", "--camera"), ("fedge run --camera", "")],
)
def test_what_is_not_there_is_refused(span: str, why: str) -> None:
    assert why in (found := problem_of_a_mention(span) or "") and bool(found) == bool(why)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_is_not_run_says_why(page: Path) -> None:
    assert all(block.reason is None or len(block.reason.split()) >= 2 for block in blocks(page))
    assert len(re.findall(r"^<!-- not run", page.read_text(), re.MULTILINE)) == sum(
        block.reason is not None for block in blocks(page)
    )


@pytest.mark.parametrize("page", RUN, ids=name)
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "FEDGE_STORE": str(tmp_path / "models")}
    for block in blocks(page):
        if block.reason is None:
            command = ["bash", "-euo", "pipefail", "-c", block.text]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, f"{block.text}{done.stderr}"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("fedge run --camra", "No such option"),
        ("fedge rum --camera", "no command"),
        ("fedge train --epochs many", "--epochs"),
        ("fedge quantize", "Missing"),
        ("sudo $(which fedge) service install -- --camra", "No such option"),
        ("make tests", "no tests"),
        ("pip install fedge", "no registry"),
        ("pip install './dist/fedge-0.1.0-py3-none-any.whl[wep]'", "no extra wep"),
        ("python tests/bench/memroy.py", "there is no"),
        ("python tests/bench/memory.py --hours 3", "no option --hours"),
    ],
)
def test_a_wrong_command_is_refused(command: str, why: str) -> None:
    (words,) = Block(ROOT, command, None).commands()
    assert why in (problem(words) or "")


def test_variables_continued_lines_and_pipes_are_understood() -> None:
    block = Block(ROOT, 'ASKED="--epochs 3 --seed 1"\nfedge train $ASKED \\\n  --out x | tail\necho no\n', None)
    assert list(block.commands()) == [["fedge", "train", "--epochs", "3", "--seed", "1", "--out", "x"]]

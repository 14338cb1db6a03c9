"""Where standard output is not UTF-8, and where files would be read in the locale's encoding."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import fedge
import fedge_quantize
import fedge_train

PACKAGES = [Path(str(package.__file__)).parent for package in (fedge, fedge_train, fedge_quantize)]
PRINT = """
from fedge.cli.exit import exit_code
from fedge.system.console import json_text
def work():
    print("T\\u00fcr \\u82f9\\u679c \\U0001f34c")
    print(json_text("T\\u00fcr \\u82f9\\u679c \\U0001f34c"))
    return 0
raise SystemExit(exit_code(work))
"""


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "Tür 苹果 🍌"),
        ("iso-8859-1", "Tür \\u82f9\\u679c \\U0001f34c"),
        ("ascii", "T\\xfcr \\u82f9\\u679c \\U0001f34c"),
    ],
)
def test_what_cannot_be_printed_is_replaced_and_json_stays_json(encoding: str, shown: str) -> None:
    command = [sys.executable, "-c", PRINT]
    done = subprocess.run(command, capture_output=True, env={"PYTHONIOENCODING": encoding, "PYTHONPATH": _path()})
    assert done.returncode == 0, done.stderr
    text, line = done.stdout.decode(encoding).splitlines()
    assert text == shown
    assert json.loads(line) == "Tür 苹果 🍌"


def _path() -> str:
    return ":".join(str(package.parent) for package in PACKAGES)


def text_calls_without_an_encoding(source: str) -> list[int]:
    """The lines where text is read or written in whatever encoding the locale has."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(keyword.arg == "encoding" for keyword in node.keywords):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("read_text", "write_text"):
            lines.append(node.lineno)
    return lines


def test_the_search_for_such_calls_finds_them() -> None:
    assert text_calls_without_an_encoding('a.read_text()\nb.read_text(encoding="utf-8")\nb.write_text("x")') == [1, 3]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_no_text_file_is_read_in_the_locales_encoding(package: Path) -> None:
    found = {
        f"{path.relative_to(package)}:{line}"
        for path in package.rglob("*.py")
        for line in text_calls_without_an_encoding(path.read_text(encoding="utf-8"))
    }
    assert found == set()

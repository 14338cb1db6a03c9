"""The rooms of the packages: small files, few entries to a folder, and imports that run one way."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = [ROOT / "edge/fedge", ROOT / "train/fedge_train", ROOT / "quantize/fedge_quantize"]
MOST_LINES, MOST_ENTRIES, MOST_ROOMS = 300, 12, 16
# Every package has these; they are no entries that a reader has to choose from.
USUAL = {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
# What keeps a camera's time, cuts the power at any moment, or looks again whether something has happened.
MAY_SLEEP = {
    "helpers/browser.py",
    "helpers/waiting.py",
    "machine/machine.py",
    "machine/test_machine_power.py",
    "machine/usb_camera.py",
    "sources/test_csi.py",
}
_SLEEP = re.compile(r"\bsleep\(")


def modules() -> dict[str, Path]:
    """Every module of the three packages by its name."""
    return {
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in package.rglob("*.py")
    }


def imports(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules that a module imports, anywhere in it; those for types alone are left out."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in known else node.module


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one circle of imports; none where there is none."""
    done: set[str] = set()

    def visit(name: str, above: list[str]) -> list[str]:
        if name in above:
            return [*above[above.index(name) :], name]
        if name in done:
            return []
        done.add(name)
        return next((found for other in sorted(graph[name]) if (found := visit(other, [*above, name]))), [])

    return next((found for name in sorted(graph) if (found := visit(name, []))), [])


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = modules()
    graph = defaultdict(set, {name: set(imports(path, known)) - {name} for name, path in known.items()})
    assert len(graph) > 150 and circle(graph) == []


def test_a_circle_is_found() -> None:
    graph = defaultdict(set, {"a": {"b", "d"}, "b": {"c"}, "c": {"a"}})
    assert circle(graph) == ["a", "b", "c", "a"]
    graph["c"] = {"d"}
    assert circle(graph) == []


def test_files_are_short() -> None:
    long = [path for path in modules().values() if len(path.read_text().splitlines()) > MOST_LINES]
    assert long == []


def test_folders_have_few_entries() -> None:
    folders = {path.parent for path in modules().values()}
    for folder in folders:
        names = entries(folder)
        assert len(names) <= (MOST_ROOMS if folder in PACKAGES else MOST_ENTRIES), (folder, sorted(names))


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")} - USUAL


def test_tests_wait_for_events() -> None:
    tests = ROOT / "tests"
    sleeping = {str(path.relative_to(tests)) for path in tests.rglob("*.py") if _SLEEP.search(path.read_text())}
    assert {name for name in sleeping if not name.startswith("bench/")} == MAY_SLEEP


def test_a_wait_in_seconds_is_found() -> None:
    assert _SLEEP.search(f"    time.{'sleep'}(0.1)") and not _SLEEP.search("exec sleep 60; def asleep(): ...")

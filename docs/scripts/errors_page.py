"""The reference of all errors, as Markdown, from the places in the sources that raise them.

An error is a class of `fedge.errors` (or one made from it), what is wrong, and the mend. Both are read from the source:
texts, texts with values in them, names of such texts, and functions that give one.
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fedge import errors
from fedge.errors import FedgeError

ROOT = Path(__file__).parents[2]
SOURCES = ("edge", "train", "quantize")
INTRODUCTION = """# Errors

Made from the sources when this site is built. Each error is one line on standard error: what is wrong; then the mend.
*Slanted* words stand for what is put in. Where several mends are possible, a slash parts them.
"""
UNKNOWN = "*what the line says*"


@dataclass(frozen=True)
class Raised:
    """An error as one place in the sources raises it: what is wrong and the mends, as Markdown."""

    kind: str
    what: str
    mends: tuple[str, ...]


def page() -> str:
    """The whole page."""
    raised = all_raised()
    sections = (_section(kind, [error for error in raised if error.kind == kind.__name__]) for kind in kinds())
    return "\n".join([INTRODUCTION, *sections])


def kinds() -> list[type[FedgeError]]:
    """The classes of errors, in the order in which `fedge.errors` declares them."""
    members = inspect.getmembers(errors, inspect.isclass)
    found = [kind for _, kind in members if issubclass(kind, FedgeError)]
    return sorted(found, key=lambda kind: inspect.getsourcelines(kind)[1])


@cache
def all_raised() -> list[Raised]:
    """What all sources raise, in the order of their paths."""
    paths = sorted(path for top in SOURCES for path in (ROOT / top).rglob("*.py"))
    names = {kind.__name__ for kind in kinds()}
    found = [raised for path in paths for raised in Module(ast.parse(path.read_text())).raised(names)]
    return list(dict.fromkeys(found))


def _section(kind: type[FedgeError], raised: list[Raised]) -> str:
    base = kind.__mro__[1]
    of = f" A kind of [{base.__name__}](#{base.__name__.lower()})." if issubclass(base, FedgeError) else ""
    lines = [f"## {kind.__name__}", "", f"{(kind.__doc__ or '').splitlines()[0]}{of} Exit code {kind.exit_code}.", ""]
    if raised:
        lines += ["| what is wrong | the mend |", "|---|---|"]
        lines += [f"| {error.what} | {' / '.join(error.mends)} |" for error in raised]
    return "\n".join([*lines, ""])


class Module:
    """One source file: its constants, its functions, and the errors that it makes."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._constants = dict(_assigned(tree))
        self._functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    def raised(self, names: set[str]) -> Iterator[Raised]:
        """What is raised here of the kinds with these names."""
        scopes = [self._tree, *self._functions.values()]
        within: dict[ast.Call, ast.AST] = {}
        for scope in scopes:
            for node in ast.walk(scope):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                    # A later scope is an inner one.
                    within[node] = scope
        for call, scope in within.items():
            if len(call.args) == 2 and isinstance(call.func, ast.Name):
                what, mends = (self._texts(argument, dict(_assigned(scope))) for argument in call.args)
                yield Raised(call.func.id, " / ".join(what) or UNKNOWN, tuple(mends) or (UNKNOWN,))

    def _texts(self, node: ast.expr, local: dict[str, ast.expr], seen: frozenset[str] = frozenset()) -> list[str]:
        """The texts that an expression may have; `seen` are the names that it was followed through."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [_escaped(node.value)]
        if isinstance(node, ast.JoinedStr):
            return ["".join(_piece(part) for part in node.values)]
        if isinstance(node, ast.IfExp):
            return [*self._texts(node.body, local, seen), *self._texts(node.orelse, local, seen)]
        name = node.func if isinstance(node, ast.Call) else node
        if not isinstance(name, ast.Name) or name.id in seen:
            return []
        followed = seen | {name.id}
        if isinstance(node, ast.Call):
            function = self._functions.get(name.id)
            returns = (n.value for n in ast.walk(function) if isinstance(n, ast.Return)) if function else ()
            return [text for value in returns if value is not None for text in self._texts(value, {}, followed)]
        value = local.get(name.id) or self._constants.get(name.id)
        return self._texts(value, {}, followed) if value is not None else []


def _assigned(scope: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield from _pairs(node.targets[0], node.value)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its_value in zip(target.elts, value.elts, strict=False):
            yield from _pairs(one, its_value)


def _piece(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return _escaped(str(part.value))
    assert isinstance(part, ast.FormattedValue)
    return f"*{_word(part.value)}*"


def _word(value: ast.expr) -> str:
    """A word for what is put in: the expression's last name, of a call like `', '.join(names)` its argument's."""
    if isinstance(value, ast.Call) and value.args:
        return _word(value.args[0])
    names = (node.id for node in ast.walk(value) if isinstance(node, ast.Name))
    word = value.attr if isinstance(value, ast.Attribute) else next(names, "…")
    return word.strip("_").replace("_", " ").lower()


def _escaped(text: str) -> str:
    return " ".join(text.split(" ")).replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")

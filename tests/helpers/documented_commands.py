"""The commands that README, CONTRIBUTING and the documentation show, and what tells whether they fit the product.

They stand in blocks marked `sh`, or `console`, where they follow a `$`. A block is run as it is, page by page in a
folder of the page's own, unless a comment above it says why not: `<!-- not run: needs a camera -->`.
"""

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer.main

from fedge.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
PROGRAMS = ("fedge", "make", "pip", "python", "python3")
_BLOCK = re.compile(r"(?:<!-- not run: (?P<reason>[^>]*?) ?-->\n)?```(?P<kind>sh|console)\n(?P<text>.*?)```", re.DOTALL)
_ASSIGNMENT = re.compile(r"([A-Z_]+)=(.*)", re.DOTALL)
# Where one command ends and what follows is another's.
_ENDS = {"|", "||", "&&", ";", ">", "&"}
_ROOT_COMMAND: Any = typer.main.get_command(app)
# Of other programs, and what each command has besides its own.
_FOREIGN_OPTIONS = {"--no-deps", "--help", "--help-all", "--version"}
_PIP_OPTIONS = {"-c", "-U", "--force-reinstall", "--no-deps"}


@dataclass(frozen=True)
class Block:
    """A block of commands.

    Attributes:
        page: where it stands.
        text: its commands, without prompts and outputs.
        reason: why it is not run; None where it is.
    """

    page: Path
    text: str
    reason: str | None

    def commands(self) -> Iterator[list[str]]:
        """The words of each command that begins with one of `PROGRAMS`; variables of the block have their values."""
        values: dict[str, str] = {}
        for line in self.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line.replace("$(which fedge)", "fedge"), comments=True)
            while words and (words[0] == "sudo" or (assigned := _ASSIGNMENT.fullmatch(words[0]))):
                if words[0] != "sudo" and assigned:
                    values[assigned[1]] = assigned[2]
                words = words[1:]
            for name, value in values.items():
                words = [part for word in words for part in (shlex.split(value) if word == f"${name}" else [word])]
            end = next((i for i, word in enumerate(words) if word in _ENDS), len(words))
            if words and words[0] in PROGRAMS:
                yield words[:end]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    return [Block(page, _commands_of(m["kind"], m["text"]), m["reason"]) for m in _BLOCK.finditer(page.read_text())]


def mentioned(page: Path) -> set[str]:
    """The options, and the commands of fedge with the options behind them, that a page's sentences and tables name."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return {span for span in re.findall(r"`([^`\n]+)`", text) if re.match(r"--[a-z]|fedge [a-z]+\b", span)}


def problem_of_a_mention(span: str) -> str | None:
    """Why what is mentioned cannot be right, or None: its command, or an option of it or of any command, is missing."""
    options = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", span))
    if span.startswith("--"):
        known = {option for command in _leaves(_ROOT_COMMAND) for option in _options(command)}
        known |= {option for path in (ROOT / "tests/bench").glob("*.py") for option in _quoted_options(path)}
    else:
        words = re.findall(r"[a-z]+", span)[1:]
        command = _ROOT_COMMAND
        while commands := getattr(command, "commands", None):
            if not words or words[0] not in commands:
                return None if command is not _ROOT_COMMAND else f"there is no command {words[:1]}"
            command = commands[words.pop(0)]
        known = _options(command)
    missing = options - known - _FOREIGN_OPTIONS
    return f"there is no option {', '.join(sorted(missing))}" if missing else None


def problem(words: list[str]) -> str | None:
    """Why this command cannot be right, or None."""
    program, *arguments = words
    if program == "fedge":
        return _problem_of_fedge(arguments)
    if program == "make":
        return _problem_of_make(arguments)
    if program == "pip":
        return _problem_of_pip(arguments)
    return _problem_of_python(arguments)


def _commands_of(kind: str, text: str) -> str:
    if kind == "sh":
        return text
    return "".join(f"{line[2:]}\n" for line in text.splitlines() if line.startswith("$ "))


def _leaves(command: Any) -> Iterator[Any]:
    commands = getattr(command, "commands", None)
    if not commands:
        yield command
    for inner in (commands or {}).values():
        yield from _leaves(inner)


def _options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def _quoted_options(path: Path) -> set[str]:
    return set(re.findall(r'"(--[a-z-]+)"', path.read_text()))


def _problem_of_fedge(arguments: list[str]) -> str | None:
    command, name = _ROOT_COMMAND, "fedge"
    while commands := getattr(command, "commands", None):
        if not arguments or arguments[0].startswith("-"):
            return None if set(arguments) <= {"--help", "-h", "--version"} else f"{name} has no {arguments[0]}"
        if arguments[0] not in commands:
            return f"{name} has no command {arguments[0]}"
        command, name, arguments = commands[arguments[0]], f"{name} {arguments[0]}", arguments[1:]
    if set(arguments) & {"--help", "-h", "--help-all"}:
        return None
    # Such a file would be read here, and stands where the page is followed.
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    read = {i + offset for i, word in enumerate(own) if word == "--config" for offset in (0, 1)}
    without_files = [word for i, word in enumerate(arguments) if i not in read]
    try:
        command.make_context(name, without_files)
    except typer.TyperException as error:
        return f"{name}: {error.format_message()}"
    if name == "fedge service install" and "--" in arguments:
        return _problem_of_fedge(["run", *arguments[arguments.index("--") + 1 :]])
    return None


def _problem_of_make(arguments: list[str]) -> str | None:
    targets = {line.split(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if ":" in line}
    missing = [word for word in arguments if "=" not in word and word not in targets]
    return f"the Makefile has no {missing[0]}" if missing else None


def _problem_of_pip(arguments: list[str]) -> str | None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in arguments[1:]:
        if word.startswith("-") and word not in _PIP_OPTIONS:
            return f"{word} is not known to be an option of pip install"
        if re.fullmatch(r"fedge(\[.*\])?", word):
            return "fedge is in no registry: install the wheel"
        asked = re.search(r"\[(.*)\]$", word)
        if asked and (foreign := set(asked[1].split(",")) - set(extras)):
            return f"there is no extra {', '.join(foreign)}"
    return None


def _problem_of_python(arguments: list[str]) -> str | None:
    if arguments[:1] == ["-m"] or arguments[:1] == ["-c"]:
        return None
    script = ROOT / arguments[0]
    if not script.is_file():
        return f"there is no {arguments[0]}"
    text = script.read_text()
    options = (word for word in arguments[1:] if word.startswith("--"))
    missing = [option for option in options if f'"{option}"' not in text]
    return f"{arguments[0]} has no option {missing[0]}" if missing else None

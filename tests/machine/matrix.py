"""What was tried in the machine and how it went, as a table with a column for each suite."""

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from platform import release

import pytest

_RELEASES = {"bookworm": "Debian 12", "trixie": "Debian 13"}
# From the best to the worst: a row of several tests shows its worst.
_WORDS = {"passed": "holds", "xpassed": "holds", "xfailed": "not yet", "skipped": "left out", "failed": "**fails**"}
_INTRODUCTION = """\
# What holds on a real kernel

`make test-vm` boots Debian under User Mode Linux, with systemd as its first process and a camera device by the driver
vivid, installs the wheel on Debian's own Python, and tries what follows. A power cut ends the machine with SIGKILL:
what it had not given to its disks is lost. Nothing of it needs root or KVM. This page is written by
`make test-vm`.
"""


class Matrix:
    """A pytest plugin: prints the table when all tests are done, and writes it to the page `report` if that is given.

    A row is named by the first sentence of its test's docstring, a table by that of its module's.
    """

    def __init__(self, suites: Sequence[str], report: str | None) -> None:
        self._suites, self._report = suites, report
        self._tables: dict[str, dict[str, dict[str, str]]] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Function, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
        outcome = yield
        result = outcome.get_result()
        suite = getattr(item, "callspec", None) and item.callspec.params.get("suite")
        if suite not in self._suites or (result.when != "call" and result.passed):
            return
        expected = hasattr(result, "wasxfail")
        word = f"x{'passed' if result.passed else 'failed'}" if expected else result.outcome
        rows = self._tables.setdefault(_first_sentence(item.module.__doc__), {})
        cells = rows.setdefault(_first_sentence(item.function.__doc__), {})
        ranks = list(_WORDS)
        cells[suite] = max(cells.get(suite, "passed"), word, key=ranks.index)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        text = self._text()
        terminalreporter.write("\n" + text)
        if self._report:
            Path(self._report).parent.mkdir(parents=True, exist_ok=True)
            Path(self._report).write_text(_INTRODUCTION + text)

    def _text(self) -> str:
        names = [_RELEASES.get(suite, suite) for suite in self._suites]
        lines = ["", f"Last run: {datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, on Linux {release()}.", ""]
        for title, rows in self._tables.items():
            lines += [f"## {title}", "", f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
            lines += [
                f"| {row} | {' | '.join(_WORDS.get(cells.get(suite, ''), '') for suite in self._suites)} |"
                for row, cells in rows.items()
            ]
            lines.append("")
        return "\n".join(lines)


def _first_sentence(docstring: str | None) -> str:
    return (docstring or "").strip().partition("\n\n")[0].replace("\n", " ").removesuffix(".")


def _commit() -> str:
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True)
    return f"{head or 'unknown'}{' with changes' if changed.stdout else ''}"

"""Which tests were left out, and why, in one line."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest


def left_out(skipped: Iterable[pytest.TestReport | pytest.CollectReport]) -> str | None:
    """Of the reports of what was skipped: for each reason, how many tests of which files; None without any."""
    files: dict[str, list[str]] = defaultdict(list)
    for report in skipped:
        if isinstance(report.longrepr, tuple):
            files[report.longrepr[2].removeprefix("Skipped: ")].append(Path(report.nodeid.split("::")[0]).name)
    if not files:
        return None
    told = (f"{len(names)} of {', '.join(sorted(set(names)))}, as {why}" for why, names in sorted(files.items()))
    return f"left out: {'; '.join(told)}"

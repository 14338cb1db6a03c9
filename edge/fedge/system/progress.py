"""A progress bar on standard error; one line a minute where that is no terminal."""

import sys
from time import monotonic
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

_SECONDS_BETWEEN_LINES = 60.0


class Progress:
    """Counts towards `total` (0: unknown); use as a context manager."""

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total, self._done = title, total, 0
        self._note = ""
        self._line_at = monotonic()
        console = Console(stderr=True)
        self._bar: RichProgress | None = None
        if console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
            self._bar = RichProgress(*columns, TextColumn("{task.fields[note]}"), console=console)
            self._task = self._bar.add_task(title, total=total or None, note="")

    def __enter__(self) -> "Progress":
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def expect(self, total: int) -> None:
        """Counts towards `total` from now on; for what is known only later. May be called from another thread."""
        self._total = total
        if self._bar:
            self._bar.update(self._task, total=total)

    def advance(self, count: int, note: str = "") -> None:
        """Counts `count` more; `note` stands behind the bar."""
        self.reach(self._done + count, note)

    def reach(self, done: int, note: str = "") -> None:
        """Sets the count to `done`; `note` stands behind the bar."""
        self._done, self._note = done, note or self._note
        if self._bar:
            self._bar.update(self._task, completed=self._done, note=self._note)
        elif monotonic() - self._line_at >= _SECONDS_BETWEEN_LINES:
            share = f"{100 * self._done / self._total:.0f}%" if self._total else str(self._done)
            self.line(f"{self._title}: {share} {self._note}".rstrip())

    def line(self, text: str) -> None:
        """Prints a line that stays, above the bar."""
        self._line_at = monotonic()
        if self._bar:
            self._bar.console.print(text, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

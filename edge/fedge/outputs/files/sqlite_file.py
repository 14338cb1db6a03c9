"""A SQLite file with a bounded number of rows."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from fedge.errors import OutputError
from fedge.outputs.base import Output
from fedge.outputs.payload import COLUMNS, REGION_COLUMN, row
from fedge.runner.result import Result
from fedge.system.files import PeriodicSync

# "fedg": SQLite keeps it in the file's header, so that no other program's database is taken for this one.
APPLICATION_ID = 0x66656467
VERSION = 1
_BUSY_SECONDS = 2.0


class SqliteFile(Output):
    """A row per frame in the table `answers`; raises OutputError where the file cannot be opened or is another's.

    Each row is a transaction of its own in WAL mode: it outlives this process's end, however sudden, and a power cut
    once it is synced, which is done every two seconds. `id` counts over all runs, `frame` within one.

    Args:
        path: the database; its folder is made if need be.
        max_rows: the oldest rows go when there are more.
        regions: whether results are of named regions, which have a column then.
    """

    name = "sqlite"

    def __init__(self, path: Path, max_rows: int, regions: bool = False) -> None:
        self._max_rows = max_rows
        columns = (*COLUMNS, REGION_COLUMN) if regions else COLUMNS
        names = ", ".join(name for name, _ in columns)
        self._insert = f"INSERT INTO answers ({names}) VALUES ({', '.join('?' * len(columns))})"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # The hub closes an output in another thread than the one that made it, never in two at once.
            self._database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._prepare(path)
            if regions:
                self._add_regions()
            self._sync = PeriodicSync(path.parent)
        except (OSError, sqlite3.Error) as error:
            raise OutputError(f"{path} cannot be used ({error})", "give --sqlite another path") from error

    def show(self, result: Result) -> None:
        """Adds a row and removes those over the bound, both or neither; raises sqlite3.Error."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
            newest = self._database.execute(self._insert, row(result)).lastrowid or 0
            self._database.execute("DELETE FROM answers WHERE id <= ?", (newest - self._max_rows,))
            self._database.execute("COMMIT")
            self._sync.note()
        except sqlite3.Error:
            # SQLite may have rolled back by itself already, as it does on a full disk.
            with suppress(sqlite3.OperationalError):
                self._database.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Closes the database."""
        self._database.close()
        self._sync.close()

    def _prepare(self, path: Path) -> None:
        owner = self._database.execute("PRAGMA application_id").fetchone()[0]
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        tables = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and (owner, version) != (APPLICATION_ID, VERSION):
            self._database.close()
            raise OutputError(f"{path} is the database of another program or version", "give --sqlite another path")
        self._database.execute("PRAGMA journal_mode = WAL")
        # In WAL mode NORMAL loses nothing when a process dies, and spares an SD card a sync per row.
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(f"PRAGMA journal_size_limit = {4 << 20}")
        if not tables:
            columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
            self._database.executescript(
                f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
                f"CREATE TABLE answers (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns}); COMMIT;"
            )

    def _add_regions(self) -> None:
        name, kind = REGION_COLUMN
        if name not in {column[1] for column in self._database.execute("PRAGMA table_info(answers)")}:
            self._database.execute(f"ALTER TABLE answers ADD COLUMN {name} {kind}")

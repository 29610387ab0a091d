"""The database of one local cloud: SQLite, one connection per process, short transactions.

Every failure of the database becomes a LocalCloudError in plain words here, and nowhere else.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mcis_iac.local_cloud import facts
from mcis_iac.local_cloud.types import LocalCloudError

SCHEMA = 3
UPGRADES = {2: "upgrade-3.sql"}  # from a schema to the next one
BUSY_S = 30.0
ROOM = 1 << 20  # bytes; with less, what SQLite cannot write it cannot write for lack of room

PLAIN_WORDS = (
    ("disk is full", "the disk is full"),
    ("readonly", "the database cannot be written"),
    ("unable to open", "the database cannot be opened"),
    ("locked", f"the database has been in use for {BUSY_S:.0f} s"),
    ("disk i/o", "the disk cannot be read or written"),
    ("not a database", "the database is damaged"),
    ("malformed", "the database is damaged"),
    ("no such table", "the database is damaged"),
    ("no such column", "the database is damaged"),
)


class DamagedError(LocalCloudError):
    """The file is there but is no database of ours; only `reset` helps."""


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return ROOM  # unknown is no reason to blame the size


def explain(
    path: Path, error: sqlite3.Error, free_bytes: Callable[[Path], int] = _free_bytes
) -> LocalCloudError:
    """The database's complaint in plain words, with the file and what to do."""
    text = str(error).lower()
    words = next((words for sign, words in PLAIN_WORDS if sign in text), str(error))
    if "disk i/o" in text and free_bytes(path.parent) < ROOM:
        words = "the disk is full"  # SQLite says so only for some of its files
    if words == "the database is damaged":
        message = f"{words} ({path}): `mcis-local reset` removes this cloud with everything in it"
        return DamagedError("host", message)
    return LocalCloudError("host", f"{words} ({path}): {error}")


class Store:
    """Transactions over one database file; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.RLock()
        try:
            self._db = self._connect()
        except sqlite3.Error as error:
            raise explain(path, error) from error
        # Callers that forget to close leave no open file behind.
        weakref.finalize(self, self._db.close)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode=WAL")
            # In WAL mode NORMAL survives a killed process; a power cut may lose the last moments.
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute("PRAGMA foreign_keys=ON")
            self._make_schema(db)
        except BaseException:
            db.close()
            raise
        return db

    def _make_schema(self, db: sqlite3.Connection) -> None:
        if not _has_meta(db):
            db.execute("BEGIN IMMEDIATE")
            if not _has_meta(db):
                for statement in facts.text("schema.sql").split(";"):
                    db.execute(statement)
                db.execute("INSERT INTO meta VALUES('schema', ?)", (str(SCHEMA),))
            db.execute("COMMIT")
        row = db.execute("SELECT value FROM meta WHERE key='schema'").fetchone()
        found = int(row[0]) if row else 0
        if found in UPGRADES:
            found = _upgraded(db)
        if found != SCHEMA:
            newer = found > SCHEMA
            hint = "upgrade mcis-iac" if newer else "`mcis-local reset` removes it with everything in it"
            message = (
                f"the local cloud in {self.path.parent} was made by {'a newer' if newer else 'an older'} "
                f"version (schema {found}, this one knows {SCHEMA}): {hint}"
            )
            raise LocalCloudError(code="host", message=message)

    def close(self) -> None:
        with self._guard:
            self._db.close()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A consistent view of the database."""
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is stored together, or nothing."""
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._guard:
            if not self.path.exists():
                message = f"the local cloud in {self.path.parent} was removed while it was in use"
                raise LocalCloudError(code="host", message=message)
            try:
                self._db.execute(begin)
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise explain(self.path, error) from error

    def meta(self) -> dict[str, str]:
        """The cloud's own facts: schema, backend, its settings."""
        with self.read() as db:
            return {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM meta")}

    def remember(self, **facts_: str) -> None:
        with self.write() as db:
            db.executemany("INSERT OR REPLACE INTO meta VALUES(?, ?)", list(facts_.items()))

    def empty(self) -> bool:
        """Whether the cloud holds nothing of anybody."""
        tables = ("network", "key_pair", "boot_config", "launch_template", "address", "volume", "instance")
        with self.read() as db:
            return not any(db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in tables)


def _upgraded(db: sqlite3.Connection) -> int:
    """Bring the tables up to date, all at once; the schema they have then."""
    db.execute("BEGIN IMMEDIATE")
    try:
        # Somebody else may have been faster.
        found = int(db.execute("SELECT value FROM meta WHERE key='schema'").fetchone()[0])
        while found in UPGRADES:
            for statement in facts.text(UPGRADES[found]).split(";"):
                db.execute(statement)
            found += 1
        db.execute("UPDATE meta SET value=? WHERE key='schema'", (str(found),))
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return found


def _has_meta(db: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE type='table' AND name='meta'"
    return db.execute(query).fetchone() is not None

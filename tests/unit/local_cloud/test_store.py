"""The database: what its troubles are called, and who may open it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mcis_iac.local_cloud.store import SCHEMA, DamagedError, Store, explain
from mcis_iac.local_cloud.types import LocalCloudError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cloud.db")


def test_a_new_database_knows_its_schema_and_is_empty(store: Store) -> None:
    assert store.meta() == {"schema": str(SCHEMA)}
    assert store.empty()


def test_a_database_of_a_newer_version_is_refused(store: Store) -> None:
    store.remember(schema=str(SCHEMA + 1))
    with pytest.raises(LocalCloudError, match="made by a newer version"):
        Store(store.path)


def test_a_damaged_file_is_said_to_be_damaged_and_how_to_get_rid_of_it(tmp_path: Path) -> None:
    (tmp_path / "cloud.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(DamagedError, match=r"damaged.*mcis-local reset"):
        Store(tmp_path / "cloud.db")


def test_a_folder_that_is_not_there_is_said_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="cannot be opened"):
        Store(tmp_path / "nowhere" / "cloud.db")


def test_a_full_disk_is_said_in_plain_words(store: Store) -> None:
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(LocalCloudError, match="the disk is full"), store.write() as db:
        db.executemany("INSERT INTO key_pair VALUES(?, ?, '{}')", [(str(n), "x" * 500) for n in range(1000)])


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("attempt to write a readonly database", "cannot be written"),
        ("disk I/O error", "cannot be read or written"),
        ("database is locked", "has been in use"),
        ("database disk image is malformed", "damaged"),
    ],
)
def test_troubles_have_plain_words(told: str, words: str) -> None:
    error = explain(Path("/x/cloud.db"), sqlite3.OperationalError(told))
    assert error.code == "host"
    assert words in error.message


def test_an_error_of_a_disk_without_room_says_that_it_is_full() -> None:
    trouble = sqlite3.OperationalError("disk I/O error")
    assert "the disk is full" in explain(Path("/x/cloud.db"), trouble, lambda _: 0).message
    assert "the disk is full" not in explain(Path("/x/cloud.db"), trouble, lambda _: 1 << 30).message


def test_what_fails_in_a_transaction_is_not_stored(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as db:
        db.execute("INSERT INTO meta VALUES('half', 'done')")
        _ = 1 / 0
    assert "half" not in store.meta()


def test_a_removed_database_is_noticed(store: Store) -> None:
    store.path.unlink()
    with pytest.raises(LocalCloudError, match="was removed while it was in use"):
        store.meta()


def test_a_database_of_the_last_version_is_brought_up_to_date_with_what_is_in_it(store: Store) -> None:
    with store.write() as db:
        db.execute("ALTER TABLE instance DROP COLUMN booted_at")
        db.execute("DROP TABLE fault")
        db.execute(
            "CREATE TABLE fault(id INTEGER PRIMARY KEY NOT NULL, pattern TEXT NOT NULL, "
            "action TEXT NOT NULL CHECK(action IN ('create', 'start', 'delete')), "
            "code TEXT, delay_s REAL NOT NULL, times INT)"
        )
        db.execute("INSERT INTO fault VALUES(7, 'web-*', 'start', 'quota', 0.5, 2)")
        db.execute("UPDATE meta SET value='2' WHERE key='schema'")
    again = Store(store.path)
    assert again.meta()["schema"] == str(SCHEMA)
    with again.write() as db:
        assert tuple(db.execute("SELECT * FROM fault").fetchone()) == (7, "web-*", "start", "quota", 0.5, 2)
        db.execute("INSERT INTO fault VALUES(8, 'web-*', 'reboot', NULL, 1, NULL)")
        assert db.execute("SELECT booted_at FROM instance").fetchall() == []

"""The stand-in's memory: one SQLite file per package, so that tests can look into it.

A thing has the id its cloud would give it, other names by which it may be referred to, and ties to
the things it uses. Ids count within a scope (account and, where ids are names, region).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOLDS, OWNED, LOOSE = "holds", "owned", "loose"
_TABLES = """
CREATE TABLE IF NOT EXISTS things (
  scope, token, id, name, inputs, outputs, visible, PRIMARY KEY (scope, token, id)
);
CREATE TABLE IF NOT EXISTS handles (scope, token, handle, id);
CREATE INDEX IF NOT EXISTS by_handle ON handles (scope, token, handle);
CREATE INDEX IF NOT EXISTS by_id ON handles (scope, token, id);
CREATE TABLE IF NOT EXISTS ties (scope, token, id, used_token, used_id, tie);
CREATE INDEX IF NOT EXISTS by_used ON ties (scope, used_token, used_id);
CREATE INDEX IF NOT EXISTS by_user ON ties (scope, token, id);
CREATE TABLE IF NOT EXISTS claims (scope, what, token, id, PRIMARY KEY (scope, what));
CREATE TABLE IF NOT EXISTS counts (what PRIMARY KEY, n);
CREATE TABLE IF NOT EXISTS calls (verb, token, name);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that exists in the cloud."""

    scope: str
    token: str
    id: str
    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


class Store:
    """One package's file. Every method is a transaction of its own; several processes may write."""

    def __init__(self, folder: Path, package: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            folder / f"{package}.sqlite", isolation_level=None, timeout=60, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def version(self) -> int:
        """Another number whenever somebody else has changed something."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def count(self, what: str) -> int:
        """The next number of a counter, from 1."""
        row = self._db.execute(
            "INSERT INTO counts VALUES (?, 1) ON CONFLICT (what) DO UPDATE SET n = n + 1 RETURNING n",
            (what,),
        ).fetchone()
        return int(row[0])

    def called(self, verb: str, token: str, name: str) -> None:
        """Note a call, so that tests can count them."""
        self._db.execute("INSERT INTO calls VALUES (?, ?, ?)", (verb, token, name))

    def calls(self) -> list[tuple[str, str, str]]:
        """(verb, token, logical name) of every call that reached the cloud, in order."""
        return list(self._db.execute("SELECT verb, token, name FROM calls ORDER BY rowid"))

    def things(self, token: str = "%") -> list[Thing]:
        """Everything of a type, by name; `token` is an SQL pattern."""
        rows = self._db.execute("SELECT * FROM things WHERE token LIKE ? ORDER BY name, id", (token,))
        return [_thing(row) for row in rows]

    def get(self, scope: str, token: str, id: str) -> Thing | None:
        """One thing, if it exists and can be found yet."""
        row = self._db.execute(
            "SELECT * FROM things WHERE scope = ? AND token = ? AND id = ? AND visible <= ?",
            (scope, token, id, time.time()),
        ).fetchone()
        return _thing(row) if row else None

    def find(self, scope: str, token: str, handle: str) -> Thing | None:
        """The thing of that type that goes by that name."""
        row = self._db.execute(
            "SELECT id FROM handles WHERE scope = ? AND token = ? AND handle = ?", (scope, token, handle)
        ).fetchone()
        return self.get(scope, token, str(row[0])) if row else None

    def put(
        self,
        thing: Thing,
        *,
        handles: frozenset[str],
        ties: list[tuple[str, str, str]],
        claims: frozenset[str],
        visible: float = 0.0,
        new: bool = False,
    ) -> str | None:
        """Write a thing anew or over its former self; the id or claim that is taken, if one is."""
        key = (thing.scope, thing.token, thing.id)
        with closing(self._db.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            taken = _taken(cursor, thing, claims, new=new)
            if taken is not None:
                cursor.execute("ROLLBACK")
                return taken
            _forget(cursor, key)
            cursor.execute(
                "INSERT INTO things VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, thing.name, json.dumps(thing.inputs), json.dumps(thing.outputs), visible),
            )
            for handle in handles | {thing.id}:
                cursor.execute(
                    "INSERT INTO handles VALUES (?, ?, ?, ?)", (thing.scope, thing.token, handle, thing.id)
                )
            for used_token, used_id, tie in ties:
                cursor.execute("INSERT INTO ties VALUES (?, ?, ?, ?, ?, ?)", (*key, used_token, used_id, tie))
            for claim in claims:
                cursor.execute(
                    "INSERT INTO claims VALUES (?, ?, ?, ?)", (thing.scope, claim, thing.token, thing.id)
                )
            cursor.execute("COMMIT")
        return None

    def change_outputs(self, thing: Thing, more: Mapping[str, Any]) -> None:
        """Something else had an effect on the thing."""
        outputs = json.dumps({**thing.outputs, **more})
        self._db.execute(
            "UPDATE things SET outputs = ? WHERE scope = ? AND token = ? AND id = ?",
            (outputs, thing.scope, thing.token, thing.id),
        )

    def users(self, scope: str, token: str, id: str, tie: str) -> list[tuple[str, str]]:
        """(token, id) of what is tied to a thing in that way."""
        rows = self._db.execute(
            "SELECT token, id FROM ties WHERE scope = ? AND used_token = ? AND used_id = ? AND tie = ?",
            (scope, token, id, tie),
        )
        return [(str(one), str(other)) for one, other in rows]

    def remove(self, scope: str, token: str, id: str) -> None:
        """Take a thing away with everything it owns."""
        for owned in self.users(scope, token, id, OWNED):
            self.remove(scope, *owned)
        with closing(self._db.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            _forget(cursor, (scope, token, id))
            cursor.execute("COMMIT")


def _taken(cursor: sqlite3.Cursor, thing: Thing, claims: frozenset[str], *, new: bool) -> str | None:
    """The id, if a new thing would not be the first to have it, or a claim of somebody else's."""
    same = "SELECT 1 FROM things WHERE scope = ? AND token = ? AND id = ?"
    if new and cursor.execute(same, (thing.scope, thing.token, thing.id)).fetchone():
        return thing.id
    for claim in sorted(claims):
        owner = "SELECT token, id FROM claims WHERE scope = ? AND what = ?"
        row = cursor.execute(owner, (thing.scope, claim)).fetchone()
        if row is not None and tuple(row) != (thing.token, thing.id):
            return claim
    return None


def _forget(cursor: sqlite3.Cursor, key: tuple[str, str, str]) -> None:
    for table in ("things", "handles", "ties", "claims"):
        cursor.execute(f"DELETE FROM {table} WHERE scope = ? AND token = ? AND id = ?", key)


def _thing(row: tuple[Any, ...]) -> Thing:
    scope, token, id, name, inputs, outputs, _ = row
    return Thing(
        scope=scope, token=token, id=id, name=name, inputs=json.loads(inputs), outputs=json.loads(outputs)
    )


def at(value: Any, path: str) -> Iterator[Any]:
    """Every value at a dotted path; lists on the way are walked through."""
    if isinstance(value, list):
        for item in value:
            yield from at(item, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, Mapping):
        step, _, rest = path.partition(".")
        yield from at(value.get(step), rest)

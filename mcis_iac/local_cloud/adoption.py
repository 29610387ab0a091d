"""Finding a thing that is already there, so that a repeated create makes no second one.

Functions of one open write transaction. A name belongs to whoever's tags are on it.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from mcis_iac.local_cloud.records import dump, owner
from mcis_iac.local_cloud.types import LocalCloudError

PREFIXES = {
    "network": "net-",
    "subnet": "sub-",
    "security_group": "sg-",
    "boot_config": "boot-",
    "launch_template": "lt-",
    "address": "adr-",
    "volume": "vol-",
    "instance": "i-",
}
ID_REST = re.compile(r"[0-9a-f]{8}")
KEYS = {"key_pair": "name"}  # the others are known by id

# kind -> who may refer to it: table, column, word for people
USERS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "network": (("subnet", "network", "subnet"), ("security_group", "network", "security group")),
    "subnet": (("instance", "subnet", "instance"),),
    "security_group": (("instance_group", "security_group", "instance"),),
    "address": (("instance", "address", "instance"),),
}


def kind_of(resource: str) -> str:
    """The kind an id or key pair name belongs to."""
    prefix, _, rest = resource.rpartition("-")
    if not ID_REST.fullmatch(rest):
        return "key_pair"
    return next((kind for kind, start in PREFIXES.items() if start == f"{prefix}-"), "key_pair")


def new_id(db: sqlite3.Connection, kind: str) -> str:
    """An id nobody has."""
    while True:
        found = PREFIXES[kind] + os.urandom(4).hex()
        if db.execute(f"SELECT 1 FROM {kind} WHERE id=?", (found,)).fetchone() is None:
            return found


def one(db: sqlite3.Connection, kind: str, id: str) -> sqlite3.Row:
    """The row; LocalCloudError("not_found")."""
    row: sqlite3.Row | None = db.execute(
        f"SELECT * FROM {kind} WHERE {KEYS.get(kind, 'id')}=?", (id,)
    ).fetchone()
    if row is None:
        raise LocalCloudError(code="not_found", message=f"there is no {words(kind)} {id}")
    return row


def words(kind: str) -> str:
    return kind.replace("_", " ")


def check_owner(kind: str, row: sqlite3.Row, tags: Mapping[str, str]) -> None:
    """LocalCloudError("conflict") when the thing is somebody else's."""
    theirs = json.loads(row["tags"])
    if owner(theirs) != owner(tags):
        whose = ", ".join(f"{key}={value}" for key, value in sorted(owner(theirs).items())) or "no tags"
        message = f"the {words(kind)} name {row['name']} is taken by another owner ({whose})"
        raise LocalCloudError(code="conflict", message=message)


def adopt(
    db: sqlite3.Connection,
    kind: str,
    where: Mapping[str, Any],
    tags: Mapping[str, str],
    fixed: Mapping[str, Any],
) -> sqlite3.Row | None:
    """The thing of that name with these fixed properties; None = the caller makes it.

    One of the same owner with other fixed properties is left over from an earlier try: it is
    removed, or named in a conflict while something uses it.
    """
    test = " AND ".join(f"{column}=?" for column in where)
    row: sqlite3.Row | None = db.execute(
        f"SELECT * FROM {kind} WHERE {test}", tuple(where.values())
    ).fetchone()
    if row is None:
        return None
    check_owner(kind, row, tags)
    key = KEYS.get(kind, "id")
    if any(row[column] != value for column, value in fixed.items()):
        remove(db, kind, row[key])
        return None
    if row["tags"] != dump(dict(tags)):
        db.execute(f"UPDATE {kind} SET tags=? WHERE {key}=?", (dump(dict(tags)), row[key]))
    return one(db, kind, row[key])


def remove(db: sqlite3.Connection, kind: str, id: str) -> None:
    """Delete a row nothing refers to; LocalCloudError("conflict") names one user otherwise."""
    for table, column, word in USERS.get(kind, ()):
        user = db.execute(f"SELECT * FROM {table} WHERE {column}=? LIMIT 1", (id,)).fetchone()
        if user is not None:
            name = user["instance"] if table == "instance_group" else user["id"]
            raise LocalCloudError(
                code="conflict", message=f"the {words(kind)} {id} is in use by {word} {name}"
            )
    if kind == "volume":
        user = db.execute("SELECT instance FROM volume WHERE id=?", (id,)).fetchone()
        if user is not None and user["instance"]:
            raise LocalCloudError(
                code="conflict", message=f"the volume {id} is attached to instance {user['instance']}"
            )
    db.execute(f"DELETE FROM {kind} WHERE {KEYS.get(kind, 'id')}=?", (id,))

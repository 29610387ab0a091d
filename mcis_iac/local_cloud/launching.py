"""Launch templates: made, changed, and what a change means for the instances that copied one.

Functions of one open write transaction.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict

from mcis_iac.local_cloud import images, records
from mcis_iac.local_cloud.adoption import PREFIXES, adopt, one
from mcis_iac.local_cloud.instances import check_groups, check_user
from mcis_iac.local_cloud.records import dump
from mcis_iac.local_cloud.types import Launch, LaunchTemplate, own_tags

KIND = "launch_template"


def create(
    db: sqlite3.Connection,
    *,
    name: str,
    launch: Launch,
    instance_tags: Mapping[str, str],
    tags: Mapping[str, str],
) -> LaunchTemplate:
    """The template of that name; one of the same owner that differs is left over and made anew."""
    _check(db, launch)
    fixed = asdict(launch)
    boot_config = fixed.pop("boot_config")
    row = adopt(db, KIND, {"name": name}, tags, {"launch": dump(fixed)})
    if row is None:
        id = PREFIXES[KIND] + hashlib.sha256(name.encode()).hexdigest()[:8]
        values = (id, name, dump(fixed), boot_config, dump(dict(instance_tags)), dump(dict(tags)))
        db.execute(f"INSERT INTO {KIND} VALUES(?, ?, ?, ?, ?, ?)", values)
    else:
        id = row["id"]
        update(db, id, boot_config=boot_config, instance_tags=instance_tags, tags=tags)
    return records.launch_template(one(db, KIND, id))


def _check(db: sqlite3.Connection, launch: Launch) -> None:
    check_user(launch.user)
    images.check(launch.image)
    one(db, "key_pair", launch.key_pair)
    check_groups(db, launch.security_groups, one(db, "subnet", launch.subnet)["network"])


def update(
    db: sqlite3.Connection,
    template: str,
    *,
    boot_config: str | None,
    instance_tags: Mapping[str, str],
    tags: Mapping[str, str],
) -> LaunchTemplate:
    """Change what may change; the tags of its instances follow."""
    old = json.loads(one(db, KIND, template)["instance_tags"])
    change = f"UPDATE {KIND} SET boot_config=?, instance_tags=?, tags=? WHERE id=?"
    db.execute(change, (boot_config, dump(dict(instance_tags)), dump(dict(tags)), template))
    if old != dict(instance_tags):
        _retag(db, template, old, instance_tags)
    return records.launch_template(one(db, KIND, template))


def _retag(db: sqlite3.Connection, template: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    for row in db.execute("SELECT id, tags FROM instance WHERE template=?", (template,)).fetchall():
        tags = dump({**new, **own_tags(records.tags_of(row), old)})
        db.execute("UPDATE instance SET tags=? WHERE id=?", (tags, row["id"]))

"""What machines were made with, and what is told to none that exists: image, first boot, login.

The lock remembers it per machine, so that every checkout can tell which machines the manifest has
moved on from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any

from mcis_iac.model import Group, ImageChoice, Member, Plan
from mcis_iac.placement.lock_data import Made


def made_by(plan: Plan) -> Callable[[Member], Made]:
    """What a member of the plan is given if it is made now."""

    @cache
    def made(name: str, image: ImageChoice) -> Made:
        group = plan.mcis.groups[name]
        # A generated key stays while there are machines, and need not be the same in every checkout.
        declared = group.key in plan.mcis.keys
        return Made(
            image=image.id or image.alias,
            setup=_digest(_said(group.setup)),
            mounts=_mounts(group),
            user=group.user,
            key=_short(plan.public_keys[group.key]) if declared else group.key,
        )

    return lambda member: made(member.group, member.image)


def _mounts(group: Group) -> str:
    mounts = {disk.name: disk.mount for disk in group.disks if disk.mount}
    return _digest(mounts) if mounts else "none"


def _digest(said: Any) -> str:
    return _short(json.dumps(said, sort_keys=True))


def _said(value: Any) -> Any:
    """A value as plain data, without what is as by default: a field that is added later changes nothing."""
    if isinstance(value, tuple):
        return [_said(each) for each in value]
    if not is_dataclass(value):
        return value
    found = {each.name: (each, getattr(value, each.name)) for each in fields(value)}
    return {name: _said(given) for name, (each, given) in found.items() if given != _default(each)}


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

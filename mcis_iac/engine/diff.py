"""Reading a preview: from the engine's events to a Diff.

One resource may appear in several steps (a replacement has three); they are put together by URN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcis_iac.engine.failures import clean, generic
from mcis_iac.engine.subjects import PROVIDER, STACK, Subjects, countable, key_of, token_of
from mcis_iac.model import Change, Diff, Op, PropertyChange

SIGNATURE = "4dabf18193072939515e22adb298388d"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET_TEXT, UNKNOWN_TEXT = "[secret]", "[unknown]"
ASKED = "asked for"

OPS = {
    "create": Op.CREATE,
    "import": Op.CREATE,
    "update": Op.UPDATE,
    "delete": Op.DELETE,
    "replace": Op.REPLACE,
    "create-replacement": Op.REPLACE,
    "delete-replaced": Op.REPLACE,
    "import-replacement": Op.REPLACE,
    "read-replacement": Op.REPLACE,
    "discard-replaced": Op.REPLACE,
    "same": Op.SAME,
    "read": Op.SAME,
    "refresh": Op.SAME,
    "discard": Op.SAME,
}
_LEFTOVER = frozenset({"delete-replaced", "discard-replaced"})
_PATH = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')


@dataclass(slots=True)
class _Seen:
    """What a preview said about one resource."""

    token: str
    steps: list[str] = field(default_factory=list)
    existed: bool = False
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    paths: dict[str, bool] = field(default_factory=dict)

    @property
    def op(self) -> Op:
        """What all steps together do.

        Only the deletion of a replaced one = a leftover of an earlier run goes.
        """
        ops = [OPS[step] for step in self.steps if step not in _LEFTOVER]
        return next(
            (op for op in ops if op is not Op.SAME), Op.DELETE if len(ops) < len(self.steps) else Op.SAME
        )

    @property
    def exists(self) -> bool:
        """Whether it would be there afterwards."""
        if self.op is Op.SAME:
            return self.existed
        return any(step != "delete" and step not in _LEFTOVER for step in self.steps)

    @property
    def old_first(self) -> bool:
        """Whether a replacement begins with the deletion."""
        return self.op is Op.REPLACE and self.steps[0] == "delete-replaced"


class PreviewReader:
    """Takes a preview's events one by one; `diff` gives the result."""

    def __init__(self, subjects: Subjects, asked: frozenset[str] = frozenset()) -> None:
        self._subjects = subjects
        self._asked = asked
        self._seen: dict[str, _Seen] = {}
        self.errors: list[tuple[str, str]] = []
        self.refused: dict[str, str] = {}  # key -> words of a cloud that does not accept the credentials
        self.warnings: list[str] = []

    def handle(self, event: Any) -> None:
        """Take one engine event."""
        if event.diagnostic_event is not None:
            self._say(event.diagnostic_event)
        elif event.resource_pre_event is not None:
            self._note(event.resource_pre_event.metadata)

    def _say(self, said: Any) -> None:
        if said.severity == "error" and not generic(said.message):
            key, text = key_of(said.urn or ""), clean(said.message)
            self.errors.append((key, text))
            if self._subjects.refuses(token_of(said.urn or ""), text):
                self.refused.setdefault(key, text)
        elif said.severity == "warning":
            self.warnings.append(clean(said.message))

    def _note(self, step: Any) -> None:
        if step.op.value not in OPS or step.type == STACK:
            return
        seen = self._seen.get(step.urn)
        if seen is None:
            seen = self._seen[step.urn] = _Seen(token=step.type, existed=_exists(step))
        seen.steps.append(step.op.value)
        if step.old is not None and step.new is not None:
            seen.old, seen.new = step.old.inputs or {}, step.new.inputs or {}
        seen.keys = tuple(step.keys or seen.keys)
        kinds = {path: change.diff_kind.value for path, change in (step.detailed_diff or {}).items()}
        seen.paths |= {path: kind.endswith("-replace") for path, kind in kinds.items()}
        seen.paths |= {path: path in seen.keys for path in step.diffs or () if not kinds}

    def diff(self, duration_s: float = 0.0) -> Diff:
        """Everything that was seen; providers count only when they change."""
        real = {urn: seen for urn, seen in self._seen.items() if countable(seen.token)}
        machines = [seen for seen in real.values() if self._subjects.is_vm(seen.token)]
        return Diff(
            changes=tuple(
                self._change(urn, seen) for urn, seen in self._seen.items() if _worth_telling(seen)
            ),
            same=sum(seen.op is Op.SAME and seen.exists for seen in real.values()),
            vms_before=sum(seen.existed for seen in machines),
            vms_after=sum(seen.exists for seen in machines),
            warnings=tuple(dict.fromkeys(self.warnings)),
            duration_s=duration_s,
        )

    def _change(self, urn: str, seen: _Seen) -> Change:
        key = key_of(urn)
        asked = seen.op is Op.REPLACE and urn in self._asked
        return Change(
            key=key,
            token=seen.token,
            op=seen.op,
            subject=self._subjects.find(key),
            properties=tuple(_properties(seen)),
            replace_reasons=_reasons(seen, asked=asked) if seen.op is Op.REPLACE else (),
            is_vm=self._subjects.is_vm(seen.token),
            old_first=seen.old_first,
        )


def _exists(step: Any) -> bool:
    # A resource that is not targeted and not there yet is reported as `same`, with an empty id.
    return step.old is not None and bool(step.old.id or (step.new and step.new.id))


def _worth_telling(seen: _Seen) -> bool:
    if seen.token.startswith(PROVIDER):
        return seen.op in {Op.UPDATE, Op.REPLACE}
    return seen.op is not Op.SAME


def _reasons(seen: _Seen, *, asked: bool) -> tuple[str, ...]:
    forced = [path for path, replaces in seen.paths.items() if replaces]
    named = forced or [key for key in seen.keys if not (asked and key == "id")]
    return (*named, *((ASKED,) if asked else ()))


def _properties(seen: _Seen) -> Iterator[PropertyChange]:
    if seen.op not in {Op.UPDATE, Op.REPLACE}:
        return
    # For a replacement that was asked for the engine does not ask the provider what differs.
    paths = seen.paths or dict.fromkeys(dict.fromkeys((*seen.old, *seen.new)), False)
    for path, replaces in paths.items():
        old, new = at(seen.old, path), at(seen.new, path)
        if not seen.paths and old == new:
            continue
        for below, before, after in _leaves(path, old, new):
            yield PropertyChange(path=below, old=plain(before), new=plain(after), replaces=replaces)


def _leaves(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Descend into maps that differ, so that one changed tag is not shown as all tags."""
    if not (_is_map(old) and _is_map(new)):
        yield path, old, new
        return
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield from _leaves(f"{path}.{name}", old.get(name), new.get(name))


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping) and SIGNATURE not in value


def at(value: Any, path: str) -> Any:
    """The value at a property path such as `tags.role` or `rules[0].ports`; None if there is none."""
    for quoted, index, name in _PATH.findall(path):
        if index:
            inside = isinstance(value, list) and int(index) < len(value)
            value = value[int(index)] if inside else None
        else:
            value = value.get(quoted or name) if isinstance(value, Mapping) else None
    return value


def plain(value: Any) -> Any:
    """A value fit for a screen: secrets and values not known yet are words."""
    if isinstance(value, Mapping):
        if SIGNATURE in value:
            return SECRET_TEXT
        return {name: plain(part) for name, part in value.items() if not name.startswith("__")}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return UNKNOWN_TEXT if value == UNKNOWN else value

"""`mcis history`: what was done to a stack, from this checkout's record and from the stack's own history.

The record knows who, how long and which VMs; the backend also has what other checkouts did. An entry of
both is one operation: the engine's run lies within the time the record gives.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import groupby
from pathlib import Path
from typing import Any

from mcis_iac.actions import done
from mcis_iac.engine import checkpoint, history, record
from mcis_iac.engine.history import Update
from mcis_iac.engine.home import StackHome
from mcis_iac.errors import NotFoundError
from mcis_iac.flows.ground import Standing, standing
from mcis_iac.pipeline import Happened, History, Request

# What the engine calls the verbs, where nobody has noted ours.
VERBS = {"update": "up", "destroy": "down"}
OPS = ("create", "update", "replace", "delete")
SLACK = timedelta(seconds=2)  # the backend's times are whole seconds
OPERATION = "operation"


def history_of(request: Request, *, limit: int | None = None, show: int | None = None) -> History:
    """The newest `limit` operations, oldest first; with `show` that one, with what is known of its VMs.

    NotFoundError when nothing was ever done from here, or there is no operation of that number.
    """
    here = standing(request)
    found = _numbered(_merged(_noted(here.home), _updates(here)))
    if show is not None:
        chosen = [each for each in found if each.number == show]
        if not chosen:
            raise _no_such(here, show, len(found))
        return History(stack=here.stack, operations=(_with_logs(here.home, chosen[0]),), total=len(found))
    shown = found if limit is None else found[-limit:]
    return History(stack=here.stack, operations=tuple(shown), total=len(found))


def _no_such(here: Standing, number: int, total: int) -> NotFoundError:
    have = f"{here.stack} has operations 1 to {total}" if total else f"nothing was done to {here.stack} yet"
    return NotFoundError(summary="no such operation", detail=f"number {number}: {have}", hint="mcis history")


# ---------------------------------------------------------------- this checkout's record


def _noted(home: StackHome) -> list[Happened]:
    """What the record has, oldest first. Lines of actions belong together while nothing comes between."""
    found: list[Happened] = []
    price: Decimal | None = None
    for (kind, name), lines in groupby(record.read(home), key=_sort):
        if kind == OPERATION:
            for line in lines:
                found.append(_operation(line, price))
                price = _money(line.get("hourly_usd")) if "hourly_usd" in line else price
        elif kind == done.ENDED:
            found += _action(name, list(lines))
    return found


def _sort(line: Mapping[str, Any]) -> tuple[str, str]:
    kind = str(line.get("kind"))
    if kind in done.KINDS:
        return done.ENDED, str(line.get("action"))
    return (OPERATION if "verb" in line else kind), ""


def _operation(line: Mapping[str, Any], before: Decimal | None) -> Happened:
    ended, spent = _moment(line.get("ts")), _seconds(line.get("duration_s"))
    now = _money(line.get("hourly_usd"))
    failed = _texts(line.get("failed"))
    message = str(line.get("message") or "")
    return Happened(
        at=_text(ended - timedelta(seconds=spent)),
        verb=str(line.get("verb")),
        by=str(line.get("by") or ""),
        result=_result(failed=bool(failed or message), stopped=line.get("cancelled") is True),
        duration_s=spent,
        changes=_counts(line.get("changes")),
        hourly_change=now - before if now is not None and before is not None else None,
        vms=_texts(line.get("vms")),
        failed=failed,
        message=message,
    )


def _action(name: str, lines: Sequence[Mapping[str, Any]]) -> Iterator[Happened]:
    """A run of one action on its VMs; begun and never ended on any is a run that was stopped."""
    ended = [line for line in lines if line.get("kind") == done.ENDED]
    first, last = _moment(lines[0].get("ts")), _moment(lines[-1].get("ts"))
    failed = {
        str(line.get("vm")): str(line.get("error") or f"exit {line.get('exit_status')}")
        for line in ended
        if line.get("ok") is not True
    }
    yield Happened(
        at=_text(first),
        verb=f"run {name}",
        by=str(ended[0].get("by") or "") if ended else "",
        result=_result(failed=bool(failed), stopped=not ended),
        duration_s=(last - first).total_seconds(),
        changes={"run": len(ended) - len(failed)},
        vms={str(line.get("vm")): "run" for line in ended if line.get("ok") is True},
        failed=failed,
    )


def _result(*, failed: bool, stopped: bool) -> str:
    if stopped:
        return "stopped"
    return "failed" if failed else "succeeded"


# ---------------------------------------------------------------- the stack's own history


def _updates(here: Standing) -> tuple[Update, ...]:
    """The newest operations of the backend; a file backend is read without the engine."""
    from mcis_iac.engine.session import resolve

    given = os.environ.get("MCIS_BACKEND") or here.backend
    if not given and not here.home.state.is_dir():
        return ()
    path = checkpoint.file_of(resolve(given, here.home), here.namespace, here.stack)
    if path is not None:
        return history.in_folder(path, here.namespace, here.stack)
    from mcis_iac.flows.stack import open_session

    return history.told(open_session(here))


def _merged(noted: Sequence[Happened], updates: Iterable[Update]) -> list[Happened]:
    """All of the record, and of the backend what none of its entries stands for; by time."""
    spans = [(_moment(each.at) - SLACK, _ended(each) + SLACK) for each in noted if "run " not in each.verb]
    more = [_elsewhere(one) for one in updates if not _within(one, spans)]
    return sorted((*noted, *more), key=lambda each: each.at)


def _ended(each: Happened) -> datetime:
    return _moment(each.at) + timedelta(seconds=each.duration_s)


def _within(update: Update, spans: Iterable[tuple[datetime, datetime]]) -> bool:
    return any(begun <= update.started and update.ended <= ended for begun, ended in spans)


def _elsewhere(update: Update) -> Happened:
    return Happened(
        at=_text(update.started),
        verb=VERBS.get(update.kind, update.kind),
        by=update.by,
        result=update.result,
        duration_s=(update.ended - update.started).total_seconds(),
        changes={op: update.changes[op] for op in OPS if update.changes.get(op)},
        message=update.message,
        elsewhere=True,
    )


def _numbered(found: Sequence[Happened]) -> list[Happened]:
    return [replace(each, number=number) for number, each in enumerate(found, 1)]


def _with_logs(home: StackHome, each: Happened) -> Happened:
    """With the files of `runs/` that were written while it ran."""
    begun, ended = _moment(each.at) - SLACK, _ended(each) + SLACK
    logs = [
        path
        for path in (sorted(home.runs.iterdir()) if home.runs.is_dir() else ())
        if begun <= datetime.fromtimestamp(path.stat().st_mtime, UTC) <= ended
    ]
    return replace(each, logs=tuple(_shown(path) for path in logs))


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


# ---------------------------------------------------------------- plain values of any shape


def _moment(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _money(value: Any) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None


def _counts(value: Any) -> dict[str, int]:
    pairs = value.items() if isinstance(value, Mapping) else ()
    return {str(name): count for name, count in pairs if isinstance(count, int)}


def _texts(value: Any) -> dict[str, str]:
    pairs = value.items() if isinstance(value, Mapping) else ()
    return {str(name): str(text) for name, text in pairs}

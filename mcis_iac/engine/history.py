"""What a stack's backend knows of its operations, whoever ran them and wherever.

A file backend is read as it lies there: starting the CLI costs 0.2 s and reads the same files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcis_iac.model import NOTHING

if TYPE_CHECKING:
    from mcis_iac.engine.session import Session

LIMIT = 200
BY = " by "  # how the message ends that our own operations give the engine
AUTHORS = ("git.author", "git.committer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One operation of the engine; times are UTC. `kind` is update, destroy, refresh, import, ..."""

    kind: str
    started: datetime
    ended: datetime
    result: str
    changes: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    message: str = ""
    by: str = ""


def in_folder(checkpoint: Path, project: str, stack: str, limit: int = LIMIT) -> tuple[Update, ...]:
    """The newest operations of a file backend, whose state file is `checkpoint`; oldest first."""
    folder = checkpoint.parents[2] / "history" / project / stack
    # Their names end in the time, with equally many digits.
    newest = sorted(folder.glob(f"{stack}-*.history.json"))[-limit:] if folder.is_dir() else []
    return tuple(_updates(_contents(newest)))


def _contents(files: Iterable[Path]) -> Iterator[Any]:
    for path in files:
        try:
            yield json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue


def told(session: Session, limit: int = LIMIT) -> tuple[Update, ...]:
    """The newest operations of any other backend, oldest first; none where there is no such stack."""
    from pulumi.automation import CommandError, StackNotFoundError

    try:
        return parsed(session.run("stack", "history", "--json", "--page-size", str(limit)))
    except StackNotFoundError:
        return ()
    except CommandError as failed:
        raise session.explain(failed, "history") from failed


def parsed(answer: str) -> tuple[Update, ...]:
    """What `pulumi stack history --json` printed, newest first, as it happened."""
    found = json.loads(answer) if answer.strip() else []
    return tuple(_updates(reversed(found)))


def _updates(entries: Iterable[Any]) -> Iterator[Update]:
    for entry in entries:
        try:
            started = _moment(entry["startTime"])
            yield Update(
                kind=str(entry.get("kind", "")),
                started=started,
                ended=_moment(entry["endTime"]) if entry.get("endTime") else started,
                result=str(entry.get("result", "")),
                changes={str(op): int(count) for op, count in (entry.get("resourceChanges") or {}).items()},
                message=str(entry.get("message") or ""),
                by=_author(entry),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            continue


def _moment(value: Any) -> datetime:
    """Seconds since 1970 as the files have them, RFC 3339 as the CLI prints them."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _author(entry: Mapping[str, Any]) -> str:
    message = str(entry.get("message") or "")
    if BY in message:
        return message.rpartition(BY)[2]
    environment = entry.get("environment") or {}
    return next((str(environment[name]) for name in AUTHORS if environment.get(name)), "")

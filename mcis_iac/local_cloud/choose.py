"""Which backend a cloud runs on: by trying, never by asking the system what it would allow."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud.store import Store
from mcis_iac.local_cloud.types import Backend, LocalCloudError

Factory = Callable[[Path, Mapping[str, Any]], Backend]
AUTO = "auto"
KEEP = "keep"  # what the cloud has, even while it is empty; for those who only look
NO_ISOLATION = (
    "its machines are folders and processes of this account: "
    "no isolation, security groups, latency or private networks"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A backend, why it was taken, and what it said of addresses."""

    backend: Backend
    reason: str
    addressing: Mapping[str, Any]


def netns(directory: Path, settings: Mapping[str, Any]) -> Backend:
    """Namespaces: needs root on Linux."""
    from mcis_iac.local_cloud.netns.backend import NetnsBackend

    return NetnsBackend(directory, settings)


def plain(directory: Path, settings: Mapping[str, Any]) -> Backend:
    """One server process; works everywhere."""
    from mcis_iac.local_cloud.plain.backend import PlainBackend

    return PlainBackend(directory, settings)


FACTORIES: Mapping[str, Factory] = {"netns": netns, "plain": plain}


def obstacle(name: str) -> str:
    """Why trying a backend is pointless; "" = try."""
    if name != "netns":
        return ""
    if not sys.platform.startswith("linux"):
        return "this is not Linux"
    return "" if os.geteuid() == 0 else "not root"


def _try(name: str, factory: Factory, directory: Path) -> tuple[Backend | None, str]:
    if known := obstacle(name):
        return None, known
    backend = factory(directory, {})
    failure = backend.probe()
    return (None, failure) if failure else (backend, "")


def choose(requested: str, factories: Mapping[str, Factory], directory: Path) -> Choice:
    """Try the requested backend, or all in order; LocalCloudError("host") names what failed."""
    if requested not in (AUTO, KEEP, *factories):
        known = ", ".join((AUTO, *factories))
        raise LocalCloudError(
            code="invalid", message=f"there is no backend {requested!r} (there are {known})"
        )
    names = (requested,) if requested in factories else tuple(factories)
    failures: dict[str, str] = {}
    for name in names:
        backend, failures[name] = _try(name, factories[name], directory)
        if backend is not None:
            addressing = dict(backend.addressing())
            return Choice(
                backend=factories[name](directory, addressing),
                reason=_reason(name, requested, failures),
                addressing=addressing,
            )
    told = "; ".join(f"{name}: {failure}" for name, failure in failures.items())
    raise LocalCloudError(code="host", message=f"no machine can run here ({told})")


def _reason(name: str, requested: str, failures: Mapping[str, str]) -> str:
    tried = [f"{other} does not work here: {why}" for other, why in failures.items() if why]
    why = "asked for" if requested == name else "; ".join(tried) or "everything it needs works here"
    return f"{why}; {NO_ISOLATION}" if name == "plain" else why


def recall(store: Store, factories: Mapping[str, Factory], directory: Path, requested: str) -> Choice | None:
    """The backend this cloud has; None = none yet, or it is empty and may get a better one."""
    known = store.meta()
    name = known.get("backend")
    if name is None:
        return None
    best = {KEEP: name, AUTO: next(iter(factories))}.get(requested, requested)
    if name != best and store.empty():
        return None
    if requested not in (AUTO, KEEP, name):
        message = (
            f"this local cloud runs on {name} and cannot change to {requested} while it holds anything: "
            "take everything down first, or `mcis-local reset`"
        )
        raise LocalCloudError(code="conflict", message=message)
    if name not in factories:
        raise LocalCloudError(
            code="host", message=f"this local cloud runs on {name}, which does not exist here"
        )
    addressing = json.loads(known["addressing"])
    return Choice(
        backend=factories[name](directory, addressing), reason=known["reason"], addressing=addressing
    )


def settle(store: Store, factories: Mapping[str, Factory], directory: Path, requested: str) -> Choice:
    """Choose for a cloud that is new or empty, and store it."""
    choice = choose(requested, factories, directory)
    known = store.meta()
    if known.get("backend") == choice.backend.name:
        # Somebody may have opened the cloud meanwhile: its addresses must not change under him.
        addressing = json.loads(known["addressing"])
        backend = factories[choice.backend.name](directory, addressing)
        choice = Choice(backend=backend, reason=choice.reason, addressing=addressing)
    remember(store, choice)
    return choice


def remember(store: Store, choice: Choice) -> None:
    """Store the choice; a cloud that holds anything keeps it."""
    addressing = json.dumps(dict(choice.addressing), sort_keys=True)
    store.remember(backend=choice.backend.name, reason=choice.reason, addressing=addressing)

"""From a manifest and its lock to a graph: decided here, offline, the same for every reader."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from mcis_iac.errors import UnexpectedChange
from mcis_iac.flows.asking import answered, with_me
from mcis_iac.flows.ground import Ground, lock_to_write, place
from mcis_iac.model import Plan
from mcis_iac.pipeline import Request, Silent
from mcis_iac.placement.lock import Lock
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the flags ask for beside the manifest; `targets`, `replace`: groups or VMs."""

    targets: Sequence[str] = ()
    replace: Sequence[str] = ()
    remove: Sequence[str] = ()
    locked: bool = False
    retry_dropped: bool = False
    force_protected: bool = False
    expect_no_changes: bool = False
    verb: str = "up"  # how the record calls what is done

    def words(self, request: Request) -> str:
        """The user's own words for a command that goes on with the same wish."""
        targets = (word for each in self.targets for word in ("--target", each))
        return f"{request.words} {shlex.join(targets)}".strip()


@dataclass(slots=True)
class Clock:
    """Seconds per stage, and what is left of the deadline."""

    deadline_s: float | None = None
    began: float = field(default_factory=time.monotonic)
    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block."""
        began = time.monotonic()
        yield
        self.spent[name] = time.monotonic() - began

    @property
    def elapsed_s(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.began

    @property
    def left_s(self) -> float | None:
        """What is left of the deadline; None = there is none."""
        return None if self.deadline_s is None else max(0.1, self.deadline_s - self.elapsed_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A plan with its graph and the lock that belongs to it; `silent` are the clouds it could not ask."""

    plan: Plan
    graph: Graph
    lock: Lock
    lock_changed: bool
    silent: tuple[Silent, ...] = ()


def placed(
    ground: Ground,
    wish: Wish,
    clock: Clock,
    *,
    make_key: bool = False,
    ask: bool = False,
    silent: Iterable[Silent] = (),
) -> Placed:
    """Place and build; with `wish.locked` a lock that does not fit raises UnexpectedChange.

    `ask`: ask the clouds what only they know, which needs an account. With `make_key`, when changes
    are to be applied, our own address is looked up, too. The connections in `silent` are not asked.
    """
    unasked = tuple(silent)
    with clock.stage("placed"):
        settled = place(ground, remove=wish.remove, retry_dropped=wish.retry_dropped, make_key=make_key)
        if ask:
            settled = with_me(settled, look=make_key and not wish.locked)
            known = [each.connection for each in unasked]
            settled, found = answered(settled, ground.home, ground.loaded.texts, known)
            unasked += found
        lock = lock_to_write(ground, settled)
    changed = _body(lock) != _body(ground.lock)
    if wish.locked and changed:
        raise UnexpectedChange(
            summary="the lock does not fit the manifest",
            detail=f"{ground.lock_path.name} was not made from this manifest",
            hint=f"run `mcis up {ground.request.words}`, then commit the lock",
        )
    with clock.stage("built"):
        graph = build(settled.plan)
    return Placed(plan=settled.plan, graph=graph, lock=lock, lock_changed=changed, silent=unasked)


def _body(lock: Lock) -> Lock:
    """What makes two locks different; which version wrote one does not."""
    return replace(lock, tool="", plugins={})

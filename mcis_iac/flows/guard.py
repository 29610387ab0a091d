"""What is refused before the engine starts: changes nobody expected, losses of what is protected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mcis_iac.errors import OperationError, UnexpectedChange
from mcis_iac.model import Change, Diff, Mcis, Op
from mcis_iac.pipeline import Silent, refusal
from mcis_iac.program import naming

NAMED = 5  # how many changes a refusal lists


def keep_nobody_out(silent: Sequence[Silent]) -> None:
    """Raise when a connection cannot be used: what is begun without it may be half of what was meant."""
    if silent:
        error = refusal(silent)
        error.detail = f"{error.detail}\nNothing was changed.".lstrip()
        raise error


def expect_nothing(
    diff: Diff, power: Mapping[str, Sequence[str]], actions: Sequence[str] = (), *, words: str
) -> None:
    """Raise UnexpectedChange when the diff is not empty, VMs would be moved by power, or actions are due."""
    changes = [f"{change.op} {change.key}" for change in diff.changes]
    changes += [f"{control} {name}" for control, names in power.items() for name in names]
    changes += [f"run {action}" for action in actions]
    if not changes:
        return
    first = ", ".join(changes[:NAMED])
    rest = len(changes) - NAMED
    more = f", ... {rest} more" if rest > 0 else ""
    raise UnexpectedChange(
        summary="there are changes although none were expected",
        detail=first + more,
        hint=f"look at them: mcis preview {words}".rstrip(),
    )


def rename_first(there: Iterable[str], names: Mapping[str, str], words: str) -> None:
    """Raise OperationError when keys in the state still are of groups under old names (old -> new).

    The engine takes resources that are not its targets as they are, and would keep the old names.
    """
    old = sorted({name for key in there for name in names if naming.belongs_to(key, name)})
    if old:
        told = ", ".join(f"`{name}` is now `{names[name]}`" for name in old)
        raise OperationError(
            summary="a group has to be renamed as a whole first",
            detail=f"{told}, and no `up` of everything has carried that out yet",
            hint=f"mcis up {words}".rstrip() + ", then repeat",
        )


def losses(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes that end a running VM."""
    return tuple(change for change in changes if change.is_vm and change.op in {Op.DELETE, Op.REPLACE})


def keep_protected(diff: Diff, mcis: Mcis, protected: Iterable[str], *, forced: bool) -> None:
    """Raise OperationError when a VM of a protected group would be deleted or replaced.

    `protected` are the groups the last operation knew as protected: taking the mark out of the
    manifest and the VM away in one step is still a loss somebody wanted to be asked about.
    """
    marked = {name for name, group in mcis.groups.items() if group.protect} | set(protected)
    names = [change.key for change in losses(diff.changes) if change.subject.group in marked]
    refuse_protected(names, forced=forced)


def refuse_protected(names: Iterable[str], *, forced: bool) -> None:
    """Raise OperationError naming the protected VMs, unless forced."""
    listed = ", ".join(sorted(names))
    if listed and not forced:
        raise OperationError(
            summary="protected VMs would be lost",
            detail=f"{listed}: `protect: true` stands in the manifest",
            hint="add --force-protected if that is meant",
        )

"""Suspend, resume and reboot: looked at, decided for every VM, then done through the clouds."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions.targets import PASSING
from mcis_iac.actions.transitions import Control, Decision
from mcis_iac.engine import record
from mcis_iac.engine.held import hold, whoami
from mcis_iac.errors import (
    Cancelled,
    CredentialsError,
    NotFoundError,
    OperationError,
    TimedOut,
)
from mcis_iac.flows import footing
from mcis_iac.flows.footing import Met
from mcis_iac.flows.ground import Standing, standing
from mcis_iac.flows.placing import Clock
from mcis_iac.flows.powering import Carried, Order, carry_out
from mcis_iac.model import Inventory, Status
from mcis_iac.pipeline import PowerReport, PowerRow, Request, Selection

SKIP = "--partial leaves them out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the flags ask for."""

    control: Control
    selection: Selection
    serial: int | None = None
    force: bool = False
    partial: bool = False

    def words(self, request: Request) -> str:
        """The command that asks for the same."""
        chosen = [word for each in self.selection.groups for word in ("-g", each)]
        chosen += [word for each in self.selection.vms for word in ("--vm", each)]
        chosen += ["--serial", str(self.serial)] if self.serial else []
        chosen += ["--force"] if self.force else []
        chosen += ["--partial"] if self.partial else []
        return " ".join(filter(None, (f"mcis {self.control}", request.words, shlex.join(chosen))))


def power(request: Request, wanted: Wanted) -> PowerReport:
    """Do it to the chosen VMs; a result each. OperationError when one is refused, before anything is done."""
    clock = Clock(deadline_s=request.timeout_s)
    here = standing(request)
    known = _known(here, wanted)
    vms = inventories.select(known, wanted.selection.groups, wanted.selection.vms)
    with hold(here.home, wanted.control, wanted.words(request).removeprefix(f"mcis {wanted.control} ")):
        met = footing.meet(here, known, vms)
        decisions = footing.judged(wanted.control, met, force=wanted.force)
        if not wanted.partial:
            footing.refuse(wanted.control, met, decisions, skip=SKIP)
        going = [each for each in met if each.vm.name in decisions and decisions[each.vm.name].acts]
        carried = carry_out(Order(here=here, control=wanted.control, met=going, serial=wanted.serial))
        rows = tuple(row(wanted.control, each, decisions, carried) for each in met)
        code = exit_code(rows, carried, met, timed=request.timeout_s is not None)
        report = _report(here, wanted, rows, code=code, met=met, spent_s=clock.elapsed_s)
        if going:
            _note(here, report, carried)
    return report


def _known(here: Standing, wanted: Wanted) -> Inventory:
    known = inventories.read(here.home.inventory)
    up = f"mcis up {here.request.words}".rstrip()
    if not known.operation:
        raise NotFoundError(
            summary="nothing is known of this MCIS here",
            detail=f"no operation on {here.stack} was ever finished from this folder",
            hint=up,
        )
    if not known.vms and not (wanted.selection.groups or wanted.selection.vms):
        raise OperationError(
            summary=f"{wanted.control} is refused", detail=f"{here.stack} has no VMs", hint=up
        )
    return known


# ---------------------------------------------------------------- results


def row(control: Control, met: Met, decisions: Mapping[str, Decision], carried: Carried) -> PowerRow:
    """How it ended for one VM."""
    name, decision = met.vm.name, decisions.get(met.vm.name)
    if decision is None:
        return _row(met, "failed", reason=met.silent.why if met.silent else "")
    if not decision.acts:
        return _row(met, "skipped" if decision.refused else "unchanged", reason=decision.reason)
    ended = carried.ended.get(name)
    if ended is None and name in carried.begun:
        return _row(met, "pending", reason="stopped before it was there", after=PASSING[control])
    if ended is None:
        return _row(met, "pending", reason="not begun")
    after = ended.seen.status if ended.seen else met.status
    words = ended.failure.message if ended.failure else ended.note
    state = "failed" if ended.failure else "done"
    return _row(met, state, reason=words, after=after, elapsed_s=round(ended.elapsed_s, 3))


def _row(
    met: Met, state: str, *, reason: str, after: Status | None = None, elapsed_s: float | None = None
) -> PowerRow:
    return PowerRow(
        name=met.vm.name,
        group=met.vm.group,
        connection=met.vm.connection,
        cloud=met.vm.cloud,
        region=met.vm.region,
        before=met.status,
        after=after or met.status,
        state=state,
        elapsed_s=elapsed_s,
        reason=reason,
    )


def _report(
    here: Standing,
    wanted: Wanted,
    rows: tuple[PowerRow, ...],
    *,
    code: int,
    met: Iterable[Met],
    spent_s: float,
) -> PowerReport:
    silent = {each.silent.connection: each.silent for each in met if each.silent}
    return PowerReport(
        stack=here.stack,
        action=wanted.control,
        rows=rows,
        exit_code=code,
        next=wanted.words(here.request) if code else "",
        notices=tuple(line for each in silent.values() for line in each.lines),
        duration_s=spent_s,
    )


def exit_code(rows: Iterable[PowerRow], carried: Carried, met: Iterable[Met], *, timed: bool) -> int:
    """8 stopped by the user, 9 after --timeout, 3 when a cloud keeps us out, 4 when a VM failed, else 0."""
    failures = [each.failure for each in carried.ended.values() if each.failure]
    if carried.stopped:
        return Cancelled.exit_code
    if timed and any(each.code == "timeout" for each in failures):
        return TimedOut.exit_code
    if any(each.kept_out for each in met) or any(each.code == "credentials" for each in failures):
        return CredentialsError.exit_code
    return OperationError.exit_code if any(each.state in {"failed", "pending"} for each in rows) else 0


def _note(here: Standing, report: PowerReport, carried: Carried) -> None:
    """A line in the record, as every operation has one."""
    done = sum(each.state == "done" for each in report.rows)
    fields = {
        "verb": report.action,
        "by": whoami(),
        "duration_s": round(report.duration_s, 2),
        "changes": {report.action: done} if done else {},
        "failed": {each.name: each.reason for each in report.rows if each.state == "failed"},
        "message": "",
        "cancelled": carried.stopped,
    }
    record.append(here.home, "operation", fields)

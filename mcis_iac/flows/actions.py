"""The actions of the manifest: after `up`, and by themselves with `run`."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import replace

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions import keys
from mcis_iac.actions.ranges import fold_names
from mcis_iac.engine.events import Event
from mcis_iac.engine.held import hold
from mcis_iac.errors import McisError, NotFoundError, UsageError
from mcis_iac.flows.acting import Crew, OnEnd, OnLine, asleep, perform, tasks
from mcis_iac.flows.ground import Ground, ground
from mcis_iac.flows.placing import Clock
from mcis_iac.flows.prospect import Prospect
from mcis_iac.flows.targets import vm_names
from mcis_iac.manifest.guess import listed, nearest
from mcis_iac.model import Action, HostResult, Mcis, Subject, Vm
from mcis_iac.pipeline import ActionReport, ActionRow, Applied, OnOutput, Request, Selection

# ---------------------------------------------------------------- after `up`


def after_up(prospect: Prospect, applied: Applied) -> Applied:
    """Run what is due on the VMs of a finished `up`; a stopped one leaves it to the next."""
    mcis, outcome = prospect.ground.mcis, applied.outcome
    if not mcis.actions or (outcome is not None and outcome.cancelled):
        return applied
    try:
        report = _due(prospect, applied)
    except McisError as error:
        row = ActionRow(action="actions", vm="", group="", state="FAILED", detail=str(error))
        report = ActionReport(rows=(row,), exit_code=error.exit_code)
    code = applied.exit_code or report.exit_code
    again = f"mcis up {prospect.wish.words(prospect.ground.request)}".rstrip()
    return replace(
        applied,
        actions=report,
        exit_code=code,
        next=applied.next or (again if code else ""),
        duration_s=prospect.clock.elapsed_s,
    )


def _due(prospect: Prospect, applied: Applied) -> ActionReport:
    here, mcis, left = prospect.here, prospect.ground.mcis, applied.inventory
    failed = {each.name: each.failure.message for each in left.failed}
    failed |= {row.name: row.failure.message for row in applied.vms if row.failure}
    there = {vm.name for vm in left.vms}
    crew = Crew(
        mcis=mcis,
        home=here.home,
        vms=left.vms,
        login=_login(prospect.ground, left.vms),
        clock=prospect.clock,
        asleep=asleep(here.connections, left.vms),
        unready={name: why.partition("\n")[0] for name, why in failed.items() if name in there},
        missing={name: why for name, why in failed.items() if name not in there},
        parallel=prospect.ground.request.parallel,
        on_end=_ender(prospect.ground.request, mcis),
    )
    chosen = None
    if prospect.wish.targets:
        known = [(vm.name, vm.group) for vm in left.vms]
        meant = [word for word in prospect.wish.targets if any(word in pair for pair in known)]
        chosen = set(vm_names(meant, known)) if meant else set()
    work = tasks(crew, mcis.actions, chosen=chosen)
    return perform(crew, work, _teller(prospect.ground.request, mcis, left.vms))


def _login(ground: Ground, vms: Sequence[Vm]) -> keys.Login:
    used = {vm.group for vm in vms}
    return keys.login(used, ground.mcis.groups, ground.mcis.keys, ground.home.private_key)


def _teller(request: Request, mcis: Mcis, vms: Sequence[Vm]) -> OnLine:
    """Output as events, which the progress display shows with the VM's name."""
    groups = {vm.name: vm.group for vm in vms}

    def tell(action: str, vm: str, stream: str, line: str) -> None:
        subject = Subject(group=groups.get(vm), vm=vm)
        fields = {"stream": stream, "text": line, "action": action}
        request.listen(
            Event(kind="exec_output", mcis=mcis.name, env=mcis.env, subject=subject, fields=fields)
        )

    return tell


def _ender(request: Request, mcis: Mcis) -> OnEnd:
    """How it ended on a VM, as the last event of the action there."""

    def tell(action: str, result: HostResult) -> None:
        subject = Subject(group=result.group, vm=result.vm)
        ended = {"lost": True} if result.lost else {"exit_status": result.exit_status}
        fields = {"stream": "stdout", "text": "", "action": action, "elapsed_s": result.elapsed_s, **ended}
        fields |= {"error": result.error} if result.error else {}
        request.listen(
            Event(kind="exec_output", mcis=mcis.name, env=mcis.env, subject=subject, fields=fields)
        )

    return tell


# ---------------------------------------------------------------- by itself


def run(
    request: Request,
    names: Sequence[str],
    selection: Selection,
    *,
    on_output: OnOutput,
    serial: int | None = None,
    timeout_s: float | None = None,
) -> ActionReport:
    """Run those actions (all of them without a name) where they belong, due or not."""
    here, clock = ground(request), Clock()
    wanted = _named(here.mcis, names)
    known = inventories.read(here.home.inventory)
    if not known.vms:
        raise NotFoundError(
            summary="this MCIS has no VMs here",
            detail=f"the last known inventory of {here.mcis.stack} is empty",
            hint=f"mcis up {request.words}".rstrip(),
        )
    chosen = {vm.name for vm in inventories.select(known, selection.groups, selection.vms)}
    here.home.create()
    with hold(here.home, "run", request.words):
        crew = Crew(
            mcis=here.mcis,
            home=here.home,
            vms=known.vms,
            login=_login(here, known.vms),
            clock=clock,
            asleep=asleep(here.mcis.connections, known.vms),
            serial=serial,
            timeout_s=timeout_s,
            parallel=request.parallel,
        )
        work = tasks(crew, wanted, chosen=chosen, forced=True)
        if not work:
            raise _nobody(wanted, chosen)
        report = perform(crew, work, lambda _, vm, stream, line: on_output(vm, stream, line))
    return replace(report, next=_again(request, report) if report.exit_code else "")


def _named(mcis: Mcis, names: Sequence[str]) -> tuple[Action, ...]:
    """In the order of the manifest, whatever order they are named in."""
    known = [action.name for action in mcis.actions]
    if not known:
        raise NotFoundError(
            summary="no actions",
            detail="the manifest declares none",
            hint="mcis explain actions",
        )
    for name in names:
        if name not in known:
            guess = nearest(name, known)
            raise NotFoundError(
                summary="no such action",
                detail=f"`{name}`; the manifest has {listed(known, name)}",
                hint=f"did you mean {guess}?" if guess else "mcis run without a name runs all of them",
            )
    return tuple(action for action in mcis.actions if not names or action.name in names)


def _nobody(actions: Sequence[Action], chosen: Collection[str]) -> UsageError:
    return UsageError(
        summary="the action is for none of these VMs",
        detail=f"{', '.join(action.name for action in actions)} on {fold_names(sorted(chosen))}",
        hint="leave out -g and --vm, or change `on` in the manifest",
    )


def _again(request: Request, report: ActionReport) -> str:
    """The same for whatever is not done yet."""
    open_ = [row for row in report.rows if row.state in ("FAILED", "not run")]
    words = ["mcis", "run", *dict.fromkeys(row.action for row in open_)]
    words += [word for vm in dict.fromkeys(row.vm for row in open_) for word in ("--vm", vm)]
    manifest = [] if request.file == "." else ["-f", request.file]
    return shlex.join([*words, *manifest]) + _overlays(request)


def _overlays(request: Request) -> str:
    pairs = [*([("-e", request.env)] if request.env else []), *(("--set", each) for each in request.sets)]
    return "".join(f" {shlex.join(pair)}" for pair in pairs)

"""What an operation leaves: the inventory, the record, the result the screens show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions import known_hosts
from mcis_iac.clouds import registry
from mcis_iac.clouds.base import Found
from mcis_iac.engine import record
from mcis_iac.engine.events import now
from mcis_iac.engine.held import whoami
from mcis_iac.errors import CredentialsError, McisError, OperationError
from mcis_iac.flows.ground import Standing
from mcis_iac.flows.placing import Clock
from mcis_iac.model import Failure, Inventory, Op, Outcome, Step, Vm, VmFailure
from mcis_iac.pipeline import Applied, Request, VmResult

CANCELLED, TIMED_OUT = 8, 9


def exit_code(outcome: Outcome, left: Inventory) -> int:
    """8 or 9 when it was stopped, 3 when a cloud refused us, 4 when something else failed, else 0."""
    if outcome.cancelled:
        return TIMED_OUT if outcome.timed_out else CANCELLED
    if any(step.failure and step.failure.code == "credentials" for step in outcome.failed):
        return CredentialsError.exit_code
    return OperationError.exit_code if not outcome.ok or left.failed else 0


def stamped(inventory: Inventory, operation: str, clock: Clock) -> Inventory:
    """The inventory with when, by whom and how long."""
    return replace(
        inventory, as_of=now(), operation=operation, by=whoami(), duration_s=round(clock.elapsed_s, 2)
    )


def dated(vms: Iterable[Vm], before: Inventory, outcome: Outcome) -> tuple[Vm, ...]:
    """The VMs with when they were made: now, if this run made them, else as known before."""
    fresh = {
        step.key for step in outcome.steps if step.is_vm and step.ok and step.op in {Op.CREATE, Op.REPLACE}
    }
    known = {vm.name: vm.created_at for vm in before.vms}
    moment = now()
    return tuple(
        replace(vm, created_at=vm.created_at or (moment if vm.name in fresh else known.get(vm.name)))
        for vm in vms
    )


def note(here: Standing, verb: str, left: Inventory, outcome: Outcome) -> None:
    """Keep the inventory and the host keys, and add a line to the record."""
    inventories.write(here.home.inventory, left)
    known_hosts.write(here.home.known_hosts, left.vms)
    counts = {op.value: sum(step.op is op for step in outcome.steps if step.ok) for op in Op}
    fields = {
        "verb": verb,
        "by": left.by,
        "duration_s": left.duration_s,
        "changes": {op: count for op, count in counts.items() if count},
        "vms": {step.key: step.op.value for step in outcome.steps if step.is_vm and step.ok},
        "hourly_usd": _hourly(left),
        "failed": {failed.name: failed.failure.message for failed in left.failed},
        "message": outcome.message,
        "cancelled": outcome.cancelled,
    }
    record.append(here.home, "operation", fields)


def _hourly(left: Inventory) -> str | None:
    """What all VMs cost per hour; None while the price of one is not known."""
    prices = [vm.hourly_usd for vm in left.vms]
    return None if None in prices else str(sum((price for price in prices if price), Decimal(0)))


def failure_of(step: Step, *, before: Iterable[Vm]) -> VmFailure | None:
    """A failed machine as the inventory keeps it."""
    if step.failure is None or step.subject.vm is None:
        return None
    old = next((vm for vm in before if vm.name == step.subject.vm), None)
    subject = step.subject
    return VmFailure(
        name=subject.vm or "",
        group=subject.group or "",
        connection=subject.connection or (old.connection if old else ""),
        cloud=subject.cloud or (old.cloud if old else ""),
        region=subject.region or (old.region if old else ""),
        failure=step.failure,
    )


def vm_failure(vm: Vm, failure: Failure) -> VmFailure:
    """A machine that exists and is not what it should be."""
    return VmFailure(
        name=vm.name,
        group=vm.group,
        connection=vm.connection,
        cloud=vm.cloud,
        region=vm.region,
        failure=failure,
    )


def row_of(vm: Vm, state: str, elapsed_s: float | None = None) -> VmResult:
    """The result row of a machine that exists, or did."""
    return VmResult(
        name=vm.name,
        group=vm.group,
        cloud=vm.cloud,
        region=vm.region,
        state=state,
        address=vm.address,
        elapsed_s=elapsed_s,
    )


def row_of_failure(failed: VmFailure, elapsed_s: float | None = None) -> VmResult:
    """The result row of a machine that failed."""
    return VmResult(
        name=failed.name,
        group=failed.group,
        cloud=failed.cloud,
        region=failed.region,
        state="FAILED",
        elapsed_s=elapsed_s,
        failure=failed.failure,
    )


def steps_by_vm(outcome: Outcome) -> Mapping[str, Step]:
    """The steps of machines, by VM name."""
    return {step.key: step for step in outcome.steps if step.is_vm}


# ---------------------------------------------------------------- down and refresh


def after_down(known: Inventory, chosen: Iterable[Vm], outcome: Outcome, clock: Clock) -> Inventory:
    """What is left: everything whose deletion did not succeed, if it was asked for at all."""
    asked = {vm.name for vm in chosen}
    steps = steps_by_vm(outcome)
    kept = tuple(vm for vm in known.vms if vm.name not in asked or _still_there(vm, steps, outcome))
    failed = [failure_of(step, before=known.vms) for step in outcome.failed if step.is_vm]
    earlier = () if outcome.ok else known.failed
    found = {each.name: each for each in (*earlier, *failed) if each is not None}
    return stamped(Inventory(vms=kept, failed=tuple(found.values())), "down", clock)


def _still_there(vm: Vm, steps: Mapping[str, Step], outcome: Outcome) -> bool:
    step = steps.get(vm.name)
    return not outcome.ok if step is None else not step.ok


def down_result(
    request: Request,
    chosen: Iterable[Vm],
    outcome: Outcome,
    left: Inventory,
    *,
    swept: Iterable[Found],
    clock: Clock,
) -> Applied:
    """`down` as the screens show it."""
    steps = steps_by_vm(outcome)
    failed = {each.name: each for each in left.failed}
    rows = []
    for vm in chosen:
        step = steps.get(vm.name)
        elapsed = step.duration_s if step else None
        if vm.name in failed:
            rows.append(row_of_failure(failed[vm.name], elapsed))
        elif vm not in left.vms:
            rows.append(row_of(vm, "deleted", elapsed))
        else:
            rows.append(row_of(vm, "unchanged"))
    code = exit_code(outcome, left)
    gone = [f"{found.kind} {found.name} was in no state and is deleted, too" for found in swept]
    return Applied(
        preview=None,
        outcome=outcome,
        vms=tuple(rows),
        inventory=left,
        exit_code=code,
        next=f"mcis down {request.words}".rstrip() if code else "",
        notices=tuple(gone),
        duration_s=clock.elapsed_s,
    )


def after_refresh(here: Standing, known: Inventory, outcome: Outcome, clock: Clock) -> Inventory:
    """The inventory without what is gone, with addresses as the clouds say."""
    gone = {step.key for step in outcome.steps if step.is_vm and step.ok and step.op is Op.DELETE}
    kept = [vm for vm in known.vms if vm.name not in gone]
    addresses: dict[str, str | None] = {}
    for name, connection in here.connections.items():
        try:
            seen = registry.lifecycle(connection.cloud).observe(
                connection, [vm for vm in kept if vm.connection == name]
            )
        except McisError:
            continue
        addresses |= {vm: one.public_ip for vm, one in seen.items()}
    vms = tuple(replace(vm, public_ip=addresses.get(vm.name, vm.public_ip)) for vm in kept)
    return stamped(replace(known, vms=vms), "refresh", clock)

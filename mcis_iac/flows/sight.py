"""From what the clouds say of VMs to the rows of `status`; what was seen is remembered for a while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from mcis_iac.actions import sightings
from mcis_iac.actions.sightings import Sighting
from mcis_iac.clouds.base import Observed
from mcis_iac.engine.home import StackHome
from mcis_iac.flows.asked import Heard
from mcis_iac.model import Inventory, Status, Vm, VmFailure
from mcis_iac.pipeline import StatusRow


def rows(home: StackHome, known: Inventory, heard: Mapping[str, Heard]) -> tuple[StatusRow, ...]:
    """A row per VM, by group and ordinal; what was seen is remembered for when a cloud is silent."""
    before = sightings.read(home.seen)
    failed = {failure.name: failure for failure in known.failed}
    found = [_row(vm, heard.get(vm.connection), before.get(vm.name), failed.get(vm.name)) for vm in known.vms]
    made = {vm.name for vm in known.vms}
    found += [_row_of_failure(each) for each in known.failed if each.name not in made]
    _remember(home, before, known.vms, heard)
    return tuple(sorted(found, key=lambda row: (row.group, _ordinal(row.name))))


def _ordinal(name: str) -> int:
    return int(name.rpartition("-")[2])


def _row(vm: Vm, heard: Heard | None, before: Sighting | None, failed: VmFailure | None) -> StatusRow:
    seen = heard.seen.get(vm.name) if heard else None
    if seen is None:
        return _unseen(vm, heard, before)
    row = replace(_row_of(vm, seen.status, seen.detail), native=seen.native, vm=_met(vm, seen))
    if failed is not None and seen.status is Status.RUNNING:
        return replace(row, status=Status.FAILED, detail=failed.failure.message)
    return row


def _met(vm: Vm, seen: Observed) -> Vm:
    """The VM with what the cloud says of it now."""
    return replace(vm, public_ip=seen.public_ip or vm.public_ip, created_at=seen.created_at or vm.created_at)


def _unseen(vm: Vm, heard: Heard | None, before: Sighting | None) -> StatusRow:
    """A VM whose cloud said nothing: as it was a few minutes ago, else unknown, with the reason."""
    why = f"there is no connection `{vm.connection}`"
    if heard is not None:
        why = heard.silent.why if heard.silent else "the cloud did not say"
    row = replace(_row_of(vm, Status.UNDEFINED, why), vm=vm)
    moment = datetime.now(UTC)
    if before is None or not before.counts(vm, moment):
        return row
    return replace(row, status=before.status, detail=f"seen {before.age_s(moment):.0f}s ago: {why}")


def _row_of_failure(each: VmFailure) -> StatusRow:
    return _row_of(each, Status.FAILED, each.failure.message)


def _row_of(one: Vm | VmFailure, status: Status, detail: str) -> StatusRow:
    """What is said of a VM whether it exists or not."""
    return StatusRow(
        name=one.name,
        group=one.group,
        status=status,
        connection=one.connection,
        cloud=one.cloud,
        region=one.region,
        detail=detail,
    )


def _remember(
    home: StackHome, before: Mapping[str, Sighting], vms: Iterable[Vm], heard: Mapping[str, Heard]
) -> None:
    seen = {name: one for each in heard.values() for name, one in each.seen.items()}
    if not seen:
        return
    moment = datetime.now(UTC)
    at = moment.isoformat(timespec="seconds")
    fresh = {vm.name: Sighting(id=vm.id, status=seen[vm.name].status, at=at) for vm in vms if vm.name in seen}
    known = {**before, **fresh}
    recent = [name for name, each in known.items() if each.age_s(moment) <= sightings.KEPT_S]
    sightings.write(home.seen, known, recent)

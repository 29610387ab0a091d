"""Targets in the record: written before a cloud is called, ended when a VM has arrived or given up.

A process that dies between the two leaves them, which is how `status` knows that something was begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mcis_iac.actions.targets import DEADLINE_S, GOALS, Target, after, corrected
from mcis_iac.actions.transitions import Control
from mcis_iac.clouds.base import Observed
from mcis_iac.engine import record
from mcis_iac.engine.events import now
from mcis_iac.engine.home import StackHome
from mcis_iac.flows.asked import Heard
from mcis_iac.model import NOTHING, Vm

BEGUN, ENDED = "target", "target_ended"


def begin(
    home: StackHome,
    control: Control,
    run_id: str,
    vms: Iterable[Vm],
    *,
    booted: Mapping[str, str | None] = NOTHING,
    deadline_s: float = DEADLINE_S,
) -> dict[str, Target]:
    """Targets for these VMs, on disk when this returns. `booted`: when they had started, where it is told."""
    since = now()
    deadline = after(since, deadline_s)
    targets = {
        vm.name: Target(
            vm=vm.name,
            id=vm.id,
            action=control,
            status=GOALS[control],
            since=since,
            deadline=deadline,
            run_id=run_id,
            booted_at=booted.get(vm.name),
        )
        for vm in vms
    }
    fields = {
        "run_id": run_id,
        "action": control,
        "status": GOALS[control],
        "since": since,
        "deadline": deadline,
        "vms": {name: {"id": each.id, "booted_at": each.booted_at} for name, each in targets.items()},
    }
    record.append(home, BEGUN, fields)
    return targets


def end(home: StackHome, run_id: str, names: Iterable[str]) -> None:
    """These are not on their way any more, well or not."""
    listed = list(names)
    if listed:
        record.append(home, ENDED, {"run_id": run_id, "vms": listed})


def read(home: StackHome, vms: Iterable[Vm]) -> dict[str, Target]:
    """The last target of each of these VMs that has not ended, its deadline passed or not."""
    ids = {vm.name: vm.id for vm in vms}
    found: dict[str, Target] = {}
    for line in record.read(home, BEGUN, ENDED):
        if line["kind"] == ENDED:
            for name in line.get("vms", ()):
                if name in found and found[name].run_id == line.get("run_id"):
                    del found[name]
        else:
            found |= _begun(line, ids)
    return found


def _begun(line: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Target]:
    """The targets of a line; of machines that were made anew since, none. A line of another form is none."""
    try:
        common = Target(
            vm="",
            id="",
            action=Control(line["action"]),
            status=GOALS[Control(line["action"])],
            since=str(line["since"]),
            deadline=str(line["deadline"]),
            run_id=str(line["run_id"]),
        )
        return {
            name: replace(common, vm=name, id=ids[name], booted_at=one.get("booted_at"))
            for name, one in line["vms"].items()
            if name in ids and one.get("id") == ids[name]
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def heard_with(home: StackHome, vms: Iterable[Vm], heard: Mapping[str, Heard]) -> dict[str, Heard]:
    """What the clouds said, in the light of what was begun with those VMs."""
    targets = read(home, vms)
    if not targets:
        return dict(heard)
    moment = now()

    def in_light(name: str, seen: Observed) -> Observed:
        return corrected(seen, targets.get(name), now=moment)

    return {
        connection: replace(each, seen={name: in_light(name, seen) for name, seen in each.seen.items()})
        for connection, each in heard.items()
    }

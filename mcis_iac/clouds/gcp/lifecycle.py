"""The state of machines on Google Cloud: one question per project for all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mcis_iac.clouds.base import Observed
from mcis_iac.clouds.gcp import catalogue
from mcis_iac.clouds.gcp.api import Api, relative
from mcis_iac.model import Connection, Status, Vm

GONE = Observed(status=Status.TERMINATED, native="not found")
LOST = Observed(status=Status.UNDEFINED, native="unreachable", detail="the zone does not answer")
# Every machine of ours has the label; it spares the project's other machines the way.
OURS = "labels.mcis:*"
ID_PARTS = 6


def observe(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
    """Per VM name; a VM the cloud does not know is TERMINATED, one in a zone that is down UNDEFINED."""
    if not vms:
        return {}
    known: dict[str, Observed] = {}
    down: set[tuple[str, str]] = set()
    with Api(connection) as api:
        for project in sorted({_project(vm) or api.project for vm in vms}):
            for each in api.aggregated(project, "instances", filter=OURS):
                if each.item is None:
                    down.add((project, each.scope.rpartition("/")[2]))
                else:
                    known[relative(str(each.item["selfLink"]))] = _observed(each.item)
    return {vm.name: known.get(relative(vm.id)) or _missing(vm, down) for vm in vms}


def notices(_connection: Connection) -> Sequence[str]:
    """Nothing that a user should know beforehand."""
    return ()


def _project(vm: Vm) -> str | None:
    """The project in `projects/P/zones/Z/instances/N`."""
    parts = relative(vm.id).split("/")
    return parts[1] if len(parts) == ID_PARTS else None


def _missing(vm: Vm, down: Collection[tuple[str, str]]) -> Observed:
    parts = relative(vm.id).split("/")
    return LOST if len(parts) == ID_PARTS and (parts[1], parts[3]) in down else GONE


def _observed(instance: Mapping[str, Any]) -> Observed:
    native = str(instance.get("status", "UNDEFINED_STATUS"))
    words = catalogue.data("statuses")["statuses"]
    configs = [c for nic in instance.get("networkInterfaces", ()) for c in nic.get("accessConfigs", ())]
    return Observed(
        status=Status(words.get(native, Status.UNDEFINED.value)),
        native=native,
        public_ip=next((config["natIP"] for config in configs if config.get("natIP")), None),
        created_at=instance.get("creationTimestamp"),
        detail=str(instance.get("statusMessage", "")),
    )

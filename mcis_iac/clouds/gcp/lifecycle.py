"""The state of machines on Google Cloud, one question per project for all of them, and their power."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mcis_iac.clouds.base import Observed
from mcis_iac.clouds.common.together import together
from mcis_iac.clouds.gcp import catalogue, power
from mcis_iac.clouds.gcp.api import Api, NotThere, relative
from mcis_iac.model import Connection, Failure, Status, Vm

GONE = Observed(status=Status.TERMINATED, native="not found")
LOST = Observed(status=Status.UNDEFINED, native="unreachable", detail="the zone does not answer")
# Every machine of ours has the label; it spares the project's other machines the way.
OURS = "labels.mcis:*"
ID_PARTS = 6


def observe(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
    """Per VM name; a VM the cloud does not know is TERMINATED, one in a zone that is down UNDEFINED."""
    if not vms:
        return {}
    with Api(connection) as api:
        projects = sorted({_project(vm) or api.project for vm in vms})
        lists = together(projects, lambda project: _listed(api, project))
        known = {link: seen for found, _ in lists for link, seen in found.items()}
        down = {place for _, places in lists for place in places}
        missing = [vm for vm in vms if relative(vm.id) not in known]
        alone = together(missing, lambda vm: _alone(api, vm, down))
    news = {vm.name: seen for vm, seen in zip(missing, alone, strict=True)}
    return {vm.name: news.get(vm.name) or known[relative(vm.id)] for vm in vms}


def stop(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Stop machines; what is in Google's own SUSPENDED costs no processor either and stays so."""
    seen = _native(connection, vms)
    return power.act(
        connection, vms, "suspend", lambda vm: "" if seen[vm.name] in {"TERMINATED", "SUSPENDED"} else "stop"
    )


def start(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Start stopped machines, resume suspended ones; one that runs stays so."""
    seen = _native(connection, vms)
    verbs = {"SUSPENDED": "resume", "RUNNING": ""}
    return power.act(connection, vms, "resume", lambda vm: verbs.get(seen[vm.name], "start"))


def reboot(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Reset running machines, as with the button: Google offers no other way."""
    return power.act(connection, vms, "reboot", lambda _: "reset")


def console(connection: Connection, vm: Vm) -> str:
    """The last mebibyte that the machine wrote to its first serial port."""
    return power.console(connection, vm)


def _native(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, str]:
    return {name: seen.native for name, seen in observe(connection, vms).items()}


def notices(_connection: Connection) -> Sequence[str]:
    """Nothing that a user should know beforehand."""
    return ()


def _project(vm: Vm) -> str | None:
    """The project in `projects/P/zones/Z/instances/N`."""
    parts = relative(vm.id).split("/")
    return parts[1] if len(parts) == ID_PARTS else None


def _listed(api: Api, project: str) -> tuple[Mapping[str, Observed], Collection[tuple[str, str]]]:
    """The machines of a project by their links, and the zones that are down."""
    known: dict[str, Observed] = {}
    down: set[tuple[str, str]] = set()
    for each in api.aggregated(project, "instances", filter=OURS):
        if each.item is None:
            down.add((project, each.scope.rpartition("/")[2]))
        else:
            known[relative(str(each.item["selfLink"]))] = _observed(each.item)
    return known, down


def _alone(api: Api, vm: Vm, down: Collection[tuple[str, str]]) -> Observed:
    """A machine the list does not have: in a zone that is down, a new one, or gone."""
    parts = relative(vm.id).split("/")
    if len(parts) != ID_PARTS:
        return GONE
    if (parts[1], parts[3]) in down:
        return LOST
    try:
        return _observed(api.get(relative(vm.id)))
    except NotThere:
        return GONE


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

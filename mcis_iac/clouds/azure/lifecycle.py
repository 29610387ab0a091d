"""The state of machines on Azure, all of a subscription in one list, and their power."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mcis_iac.clouds.azure import arm, power
from mcis_iac.clouds.azure.arm import Arm, NotThere
from mcis_iac.clouds.base import Observed
from mcis_iac.clouds.common.together import together
from mcis_iac.model import Connection, Failure, Status, Vm

KIND = "Microsoft.Compute/virtualMachines"
POWER = MappingProxyType(
    {
        "running": Status.RUNNING,
        "deallocating": Status.SUSPENDING,
        "stopping": Status.SUSPENDING,
        "deallocated": Status.SUSPENDED,
        "stopped": Status.SUSPENDED,
        "starting": Status.RESUMING,
    }
)
# Not `updating`: a machine whose tags change still runs.
PROVISIONING = MappingProxyType(
    {"creating": Status.CREATING, "deleting": Status.TERMINATING, "failed": Status.FAILED}
)
BEING = frozenset({"creating", "deleting"})
GONE = Observed(status=Status.TERMINATED, native="not found")


def observe(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Observed]:
    """Per VM name; a VM the cloud does not know is TERMINATED."""
    if not vms:
        return {}
    with Arm(connection) as cloud:
        path = cloud.account(f"providers/{KIND}")
        # `$expand=instanceView` is for scale sets only; this asks for the states of all machines.
        rows = cloud.listed(path, version=arm.version(KIND), statusOnly="true")
        # Azure writes names of resource groups in the case it likes.
        known = {str(row["id"]).lower(): _read(row.get("properties", {})) for row in rows}
        missing = [vm for vm in vms if vm.id.lower() not in known]
        alone = together(missing, lambda vm: _alone(cloud, vm))
    news = {vm.name: seen for vm, seen in zip(missing, alone, strict=True)}
    return {vm.name: news.get(vm.name) or known[vm.id.lower()] for vm in vms}


def stop(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Deallocate machines: what is only powered off is still paid for."""
    return power.act(connection, vms, "suspend")


def start(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Start deallocated or stopped machines."""
    return power.act(connection, vms, "resume")


def reboot(connection: Connection, vms: Sequence[Vm]) -> Mapping[str, Failure]:
    """Restart running machines."""
    return power.act(connection, vms, "reboot")


def console(connection: Connection, vm: Vm) -> str:
    """The serial log that boot diagnostics keep; "" where they are off."""
    return power.console(connection, vm)


def _alone(cloud: Arm, vm: Vm) -> Observed:
    """A machine the list does not have: a new one, or one that is gone."""
    if not vm.id.startswith("/"):
        return GONE
    try:
        view = cloud.get(f"{vm.id}/instanceView", version=arm.version(KIND))
    except NotThere:
        return GONE
    return _read({"instanceView": view})


def _read(properties: Mapping[str, Any]) -> Observed:
    statuses: Iterable[Mapping[str, Any]] = properties.get("instanceView", {}).get("statuses", ())
    codes = [(str(row.get("code", "")).lower(), row) for row in statuses]
    power = next(
        (code.removeprefix("powerstate/") for code, _ in codes if code.startswith("powerstate/")), ""
    )
    made = next((code.split("/")[1] for code, _ in codes if code.startswith("provisioningstate/")), "")
    made = made or str(properties.get("provisioningState", "")).lower()
    words = next(
        (str(row.get("message", "")) for code, row in codes if code.startswith("provisioningstate/f")), ""
    )
    # Being made and being deleted hide the power; a failed change does not.
    status = PROVISIONING.get(made) if made in BEING or not power else POWER.get(power)
    native = "/".join(part for part in (power, made if made != "succeeded" else "") if part)
    return Observed(status=status or Status.UNDEFINED, native=native or "unknown", detail=words)


def notices(_connection: Connection) -> Sequence[str]:
    """Nothing: a public address stays with its machine, and a stopped one is deallocated."""
    return ()

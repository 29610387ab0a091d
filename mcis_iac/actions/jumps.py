"""The way to VMs that are behind others: which jump hosts there are, and what a VM is called from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mcis_iac.clouds import registry
from mcis_iac.model import Vm

NO_WAY_IN = "; it has no public address, and its group no `via`"


class Jumps:
    """The VMs known so far, and by which group each group is reached."""

    def __init__(self, via: Mapping[str, str], known: Iterable[Vm] = ()) -> None:
        self._via = via
        self._known = {vm.name: vm for vm in known}

    def know(self, vm: Vm) -> None:
        """A VM exists now, or exists anew."""
        self._known[vm.name] = vm

    def group(self, vm: Vm) -> str | None:
        """The group that leads to this VM; None = it is reached directly."""
        return self._via.get(vm.group)

    def hosts(self, group: str) -> tuple[Vm, ...]:
        """The group's VMs in the order they are to be tried: public addresses first, then by ordinal."""
        mine = (vm for vm in self._known.values() if vm.group == group)
        return tuple(sorted(mine, key=lambda vm: (vm.public_ip is None, vm.ordinal)))


def inner_address(vm: Vm, host: Vm) -> str:
    """Where a jump host finds the VM: beside it by the private address, elsewhere by the public one."""
    beside = (vm.connection, vm.region) == (host.connection, host.region)
    return vm.private_ip if beside else vm.address


def no_way_in(vm: Vm) -> str:
    """What may be the reason that nothing answers; empty where an address of its own would be none."""
    return NO_WAY_IN if vm.public_ip is None and registry.graph(vm.cloud).REMOTE else ""

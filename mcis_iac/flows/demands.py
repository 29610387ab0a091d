"""What a manifest still wants of each region: what `doctor` compares with the quotas there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mcis_iac.actions import inventory as inventories
from mcis_iac.clouds import peers, registry
from mcis_iac.clouds.base import Demand, Spot
from mcis_iac.flows.ground import Ground, place
from mcis_iac.model import Inventory, Member, Plan, Vm


def of(ground: Ground) -> Mapping[str, Sequence[Demand]]:
    """Per connection in use, one demand for each of its regions; what exists already is not wanted again.

    Raises ManifestError for a manifest that cannot be placed.
    """
    return counted(place(ground).plan, inventories.read(ground.home.inventory))


def counted(plan: Plan, there: Inventory) -> Mapping[str, Sequence[Demand]]:
    """The same of a plan and of the VMs there are."""
    found: dict[str, list[Demand]] = {}
    places: dict[tuple[str, str], list[Member]] = {}
    for member in plan.members:
        places.setdefault((member.connection, member.region), []).append(member)
    for (connection, region), members in places.items():
        found.setdefault(connection, []).append(_demand(plan, region, members, there))
    return found


def _demand(plan: Plan, region: str, members: Sequence[Member], there: Inventory) -> Demand:
    names = {vm.name for vm in there.vms if _at(vm) == _at(members[0])}
    new = [member for member in members if member.name not in names]
    old = [member for member in members if member.name in names]
    groups = [plan.mcis.groups[member.group] for member in new]
    walled = {member.group for member in old}
    disks = [disk for group in groups for disk in group.disks]
    return Demand(
        region=region,
        vms=len(new),
        vcpus=_counted(new),
        public_ips=sum(group.public_ip != "none" for group in groups),
        networks=len(_networks(plan, new) - _networks(plan, old)),
        types=tuple(sorted({member.type for member in new})),
        disks=len(disks),
        disk_gib=sum(disk.size_gib or 0 for disk in disks),
        static_ips=sum(group.public_ip == "static" for group in groups),
        gateways=len(_networks(plan, _hidden(plan, new)) - _networks(plan, _hidden(plan, old))),
        by_type=_by_type(new),
        uncounted=_uncounted(new),
        spot=_spot(plan, new),
        walls=len({member.group for member in new} - walled),
        rules=sum(1 for _ in _rules(plan, members, walled, {vm.name for vm in there.vms})),
    )


def _spot(plan: Plan, new: Sequence[Member]) -> Spot:
    spot = [member for member in new if plan.mcis.groups[member.group].placement.spot]
    others = {member.type for member in new if not plan.mcis.groups[member.group].placement.spot}
    return Spot(
        vcpus=_counted(spot),
        types=tuple(sorted({member.type for member in spot} - others)),
        by_type=_by_type(spot),
        uncounted=_uncounted(spot),
    )


def _at(thing: Member | Vm) -> tuple[str, str]:
    return thing.connection, thing.region


def _counted(members: Iterable[Member]) -> float:
    return sum(_vcpus(member) or 0 for member in members)


def _by_type(members: Iterable[Member]) -> tuple[tuple[str, float], ...]:
    found: dict[str, float] = {}
    for member in members:
        if (processors := _vcpus(member)) is not None:
            found[member.type] = found.get(member.type, 0) + processors
    return tuple(sorted(found.items()))


def _uncounted(members: Iterable[Member]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(m.type for m in members if _vcpus(m) is None).items()))


def _rules(
    plan: Plan, members: Sequence[Member], walled: set[str], there: set[str]
) -> Iterator[peers.Source]:
    """Who is let in newly: everybody where a group is new, new members elsewhere where it is there."""
    for name in sorted({member.group for member in members}):
        group = plan.mcis.groups[name]

        def beside(member: Member, network: str = group.network) -> bool:
            return _at(member) == _at(members[0]) and plan.mcis.groups[member.group].network == network

        for rule in peers.rules(plan, group):
            for source in peers.sources(plan, rule, here=beside):
                away = isinstance(source, peers.Away) and source.member.name not in there
                if name not in walled or away:
                    yield source


def _vcpus(member: Member) -> float | None:
    """None for an instance type that mcis does not know."""
    facts = registry.graph(member.cloud).facts()
    return facts.types.get(member.type, {}).get("vcpus")


def _hidden(plan: Plan, members: Iterable[Member]) -> list[Member]:
    """Those without a public address."""
    return [member for member in members if plan.mcis.groups[member.group].public_ip == "none"]


def _networks(plan: Plan, members: Iterable[Member]) -> set[str]:
    """The networks mcis makes for those members."""
    named = {(plan.mcis.groups[m.group].network, m.connection, m.region) for m in members}
    return {name for name, connection, region in named if region not in _adopted(plan, name, connection)}


def _adopted(plan: Plan, network: str, connection: str) -> Mapping[str, object]:
    return plan.mcis.networks[network].existing.get(connection, {})

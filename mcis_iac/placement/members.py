"""From a manifest and its lock to the VMs there shall be: who stays, who comes, who goes.

Members are the lock's. Scaling out takes the next ordinals after the highest ever used, scaling in
removes the highest or those named; no ordinal is ever given to another VM. A member stays where it
is unless the pin says otherwise. Nothing here reads or writes a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mcis_iac import __version__
from mcis_iac.clouds import registry
from mcis_iac.model import Diagnostic, Group, ImageChoice, Mcis, Member, Plan, Severity
from mcis_iac.placement import pins, places, ranges, renames
from mcis_iac.placement.lock import GroupLock, Lock, Offer, Purchase, digest, rows

NO_SUCH_VM = "MCIS244"
NO_PUBLIC_KEY = "MCIS245"
NETWORK_TOO_SMALL = "MCIS246"
ENLARGE = "use a larger `cidr`, or leave it out to let the cloud choose"
CHOOSE = "the ranges mcis chooses from are used up: write a `cidr` of your own"
_VM = re.compile(r"(?P<group>.+)-(?P<ordinal>[1-9][0-9]*)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A plan and the lock that goes with it.

    `changed`: the lock must be written before anything is applied. `stale`: it was not made from
    this manifest (what `--locked` refuses). With an error among `diagnostics` the plan is partial.
    """

    plan: Plan
    lock: Lock
    changed: bool
    stale: bool
    diagnostics: tuple[Diagnostic, ...] = ()


def check(mcis: Mcis) -> tuple[Diagnostic, ...]:
    """What the clouds in use cannot do of a manifest, without a lock and offline."""
    return pins.check(mcis)


def fresh(mcis: Mcis, lock: Lock) -> bool:
    """Whether the lock was made from this manifest."""
    return lock.inputs == digest(mcis)


def settle(
    mcis: Mcis,
    lock: Lock,
    *,
    remove: Sequence[str] = (),
    retry_dropped: bool = False,
    public_keys: Mapping[str, str],
) -> Settled:
    """Decide the members and where each goes.

    `remove` names VMs to take out for good; `public_keys` are the keys known on this machine, by
    name: the lock stands in for the others.
    """
    lock = renames.taken_over(lock, mcis)
    problems = [*check(mcis), *renames.problems(mcis, lock), *_unknown_vms(mcis, lock, remove)]
    groups = dict(lock.groups)
    for group in mcis.groups.values():
        leavers = frozenset(_ordinals(group.name, remove))
        before = lock.groups.get(group.name, GroupLock())
        groups[group.name] = _members(mcis, group, before, leavers, retry_dropped=retry_dropped)
    for name in groups.keys() - mcis.groups.keys():
        groups[name] = GroupLock(highest=groups[name].highest)
    keys, missing = _keys(mcis, lock, public_keys)
    settled = replace(lock, groups=groups, keys=keys, inputs=digest(mcis), tool=__version__)
    plan = Plan(
        mcis=mcis,
        members=tuple(_planned(mcis, settled)),
        public_keys=keys,
        me=lock.me,
        formerly={name: groups[name].formerly for name in mcis.groups if groups[name].formerly},
    )
    blocks, small = _ranges(mcis, plan.members, lock)
    known = places.kept(mcis, plan.members, lock.places)
    settled = replace(settled, ranges=blocks, places=known, plugins=_plugins(mcis, plan.members))
    return Settled(
        plan=replace(plan, ranges=_with_parts(plan, blocks), places=places.ids(known)),
        lock=settled,
        changed=_body(settled) != _body(lock) or settled.plugins != lock.plugins,
        stale=_body(settled) != _body(lock),
        diagnostics=(*problems, *missing, *small),
    )


def _body(lock: Lock) -> Lock:
    """What makes two locks different; who wrote one does not."""
    return replace(lock, tool="", plugins={})


# ---------------------------------------------------------------- who


def _members(
    mcis: Mcis, group: Group, before: GroupLock, leavers: frozenset[int], *, retry_dropped: bool
) -> GroupLock:
    offers = {n: offer for n, offer in before.offers().items() if n not in leavers}
    dropped = {n: reason for n, reason in before.dropped.items() if n not in leavers}
    # Members and dropped ones together are the count the lock was made for.
    if retry_dropped or group.count != len(offers) + len(dropped):
        back, dropped = sorted(dropped), {}
    else:
        back = []
    wanted = group.count - len(dropped)
    kept = sorted(offers)[:wanted]
    back = back[: wanted - len(kept)]
    first = before.highest + 1
    new = range(first, first + wanted - len(kept) - len(back))
    chosen = {n: _offer(mcis, group, n, offers.get(n)) for n in (*kept, *back, *new)}
    return GroupLock(
        highest=max(before.highest, *chosen) if chosen else before.highest,
        members=rows(chosen),
        dropped=dropped,
        formerly=before.formerly if chosen or dropped else (),
    )


def _offer(mcis: Mcis, group: Group, ordinal: int, before: Offer | None) -> Offer:
    """Where one VM goes: what is pinned, else where it is, else round robin and the default type."""
    pin, facts = group.placement, pins.facts_of(mcis, group)
    stays = before is not None and (before.connection, before.region) == (pin.connection, pin.region)
    zones = pins.zones_of(facts, pin.region)
    purchase: Purchase = "spot" if pin.spot else "ondemand"
    if before is None or not stays:
        return Offer(
            connection=pin.connection,
            region=pin.region,
            zone=pin.zone or zones[(ordinal - 1) % len(zones)],
            type=pin.type or (before.type if before and before.type in facts.types else facts.default_type),
            image=ImageChoice(alias=group.image),
            purchase=purchase,
        )
    now = replace(before, zone=pin.zone or before.zone, type=pin.type or before.type, purchase=purchase)
    if (now.type, now.purchase) != (before.type, before.purchase):
        now = replace(now, hourly_usd=None, price=None)  # they were those of the old one
    return (
        now
        if _boots_the_same(mcis, group, before, now)
        else replace(now, image=ImageChoice(alias=group.image))
    )


def _boots_the_same(mcis: Mcis, group: Group, before: Offer, now: Offer) -> bool:
    """Whether the image in the lock is still the one the manifest means.

    What a name or a family stands for was settled once; an id the manifest writes is compared, and an
    image is for one kind of processor only.
    """
    image = before.image
    if image.alias != group.image:
        return False
    if image.id is None:
        return True
    cloud = mcis.connections[now.connection].cloud
    declared = mcis.images.get(image.alias)
    written = str(declared.by_cloud.get(cloud, {}).get("id", "")) if declared else ""
    arch = registry.graph(cloud).arch
    # Clouds keep the path of an image that may be written as a URL.
    return (not written or written.endswith(image.id)) and arch(before.type) == arch(now.type)


def _planned(mcis: Mcis, lock: Lock) -> Iterator[Member]:
    for name in mcis.groups:
        for ordinal, offer in lock.groups[name].offers().items():
            yield Member(
                group=name,
                ordinal=ordinal,
                connection=offer.connection,
                cloud=mcis.connections[offer.connection].cloud,
                region=offer.region,
                zone=offer.zone,
                type=offer.type,
                image=offer.image,
                spot=offer.purchase == "spot",
                hourly_usd=offer.hourly_usd,
                why=offer.why,
                user=offer.made.user if offer.made else None,
            )


def _ordinals(group: str, names: Sequence[str]) -> Iterator[int]:
    for found in filter(None, map(_VM.match, names)):
        if found["group"] == group:
            yield int(found["ordinal"])


def _unknown_vms(mcis: Mcis, lock: Lock, names: Sequence[str]) -> Iterator[Diagnostic]:
    """Names that never belonged to a VM. One that is already gone is fine: repeating changes nothing."""
    for name in names:
        found = _VM.match(name)
        group = found["group"] if found else ""
        highest = lock.groups.get(group, GroupLock()).highest
        if found is None or group not in mcis.groups or int(found["ordinal"]) > highest:
            yield Diagnostic(
                code=NO_SUCH_VM,
                severity=Severity.ERROR,
                summary="no such VM",
                detail=f"`{name}` is no VM of this MCIS",
                hint="mcis status lists them",
                span=mcis.span(f"groups.{group}") if group in mcis.groups else None,
                group=group or None,
            )


# ---------------------------------------------------------------- keys, plugins, ranges


def _keys(
    mcis: Mcis, lock: Lock, known: Mapping[str, str]
) -> tuple[Mapping[str, str], tuple[Diagnostic, ...]]:
    keys: dict[str, str] = {}
    missing: list[Diagnostic] = []
    for group in mcis.groups.values():
        text = known.get(group.key) or lock.keys.get(group.key)
        if text:
            keys[group.key] = _bare(text)
        else:
            missing.append(_no_key(mcis, group))
    return keys, tuple(missing)


def _bare(public_key: str) -> str:
    """The key without its comment, which often names a person and a machine."""
    return " ".join(public_key.split()[:2])


def _no_key(mcis: Mcis, group: Group) -> Diagnostic:
    return Diagnostic(
        code=NO_PUBLIC_KEY,
        severity=Severity.ERROR,
        summary="no public key",
        detail=f"the public half of key `{group.key}` is neither on this machine nor in the lock",
        hint=f"check `keys.{group.key}.public_key_file`",
        span=mcis.span(f"keys.{group.key}") if group.key in mcis.keys else mcis.span(f"groups.{group.name}"),
        group=group.name,
    )


def _plugins(mcis: Mcis, members: Sequence[Member]) -> Mapping[str, str]:
    clouds = {mcis.connections[member.connection].cloud for member in members}
    modules = [registry.graph(cloud) for cloud in sorted(clouds)]
    return {module.PACKAGE: module.VERSION for module in modules}


def _ranges(
    mcis: Mcis, members: Sequence[Member], lock: Lock
) -> tuple[Mapping[str, Mapping[str, str]], tuple[Diagnostic, ...]]:
    """The blocks of every network: in its own range, else in a chosen one where the cloud gives none."""
    blocks: dict[str, Mapping[str, str]] = {}
    small: list[Diagnostic] = []
    taken = [network.cidr for network in mcis.networks.values() if network.cidr]
    for network in mcis.networks.values():
        used = (m for m in members if mcis.groups[m.group].network == network.name)
        used = (m for m in used if m.region not in network.existing.get(m.connection, {}))
        if network.cidr is None:
            used = (m for m in used if registry.graph(m.cloud).REMOTE)
        where = dict.fromkeys(f"{m.connection}/{m.region}" for m in used)
        given = lock.ranges.get(network.name, {})
        cidr = network.cidr or (ranges.choose(taken, given) if where else None)
        if cidr is None:
            if where:
                small.append(_too_small(mcis, network.name, ranges.POOL, tuple(where), CHOOSE))
            continue
        taken.append(cidr)
        done = ranges.cut(cidr, where, given)
        if done.blocks:
            blocks[network.name] = done.blocks
        if done.left_out:
            small.append(_too_small(mcis, network.name, cidr, done.left_out))
    return blocks, tuple(small)


def _too_small(mcis: Mcis, network: str, cidr: str, where: Sequence[str], hint: str = ENLARGE) -> Diagnostic:
    return Diagnostic(
        code=NETWORK_TOO_SMALL,
        severity=Severity.ERROR,
        summary="network too small",
        detail=f"{cidr} has no room for {', '.join(where)}",
        notes=("every connection and region gets a /20 of its own, in small networks a /26 at least",),
        hint=hint,
        span=mcis.span(f"networks.{network}.cidr"),
    )


def _with_parts(plan: Plan, blocks: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    """The blocks, and beside them the part of each zone in use as `connection/region/zone`."""
    whole = {network: dict(given) for network, given in blocks.items()}
    for member in plan.members:
        group = plan.mcis.groups[member.group]
        place = f"{member.connection}/{member.region}"
        block = blocks.get(group.network, {}).get(place)
        if block is None or f"{place}/{member.zone}" in whole[group.network]:
            continue
        zones = pins.zones_of(pins.facts_of(plan.mcis, group), member.region)
        part = ranges.part(block, member.zone, zones)
        if part is not None:
            whole[group.network][f"{place}/{member.zone}"] = part
    return whole

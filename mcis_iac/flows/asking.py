"""What must be asked for a plan: ids of images and of what is there already, our own address, host keys.

Offline verbs do without: a plan stands as it is, with the manifest's words where no id is known yet.
What was learned goes into the lock, so that it is asked once and is the same for everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from mcis_iac.actions import hostkeys
from mcis_iac.clouds import registry
from mcis_iac.clouds.base import CanPlace, ImageQuery, PlaceQuery
from mcis_iac.engine.home import StackHome, passphrase
from mcis_iac.errors import ManifestError, McisError
from mcis_iac.flows import silence, whoami
from mcis_iac.model import (
    NOTHING,
    Connection,
    Diagnostic,
    Firewall,
    ImageChoice,
    Mcis,
    Member,
    Plan,
    Severity,
)
from mcis_iac.pipeline import Silent
from mcis_iac.placement import places
from mcis_iac.placement.lock import GroupLock, Lock, Offer, rows
from mcis_iac.placement.members import Settled
from mcis_iac.program.renaming import first_vm_name

NOT_THERE = "MCIS247"
Ids = Mapping[tuple[str, ImageQuery], str]


@dataclass(slots=True)
class _Answers:
    """What the clouds said, beside what the lock has: images by id, places, and who said nothing."""

    ids: dict[tuple[str, ImageQuery], str]
    places: places.Places
    silent: dict[str, Silent] = field(default_factory=dict)


def answered(
    settled: Settled,
    home: StackHome,
    texts: Mapping[str, str] = NOTHING,
    without: Collection[str] = (),
) -> tuple[Settled, tuple[Silent, ...]]:
    """The plan and its lock with everything the clouds were asked, and the connections that did not answer.

    Those in `without` are not asked. Raises ManifestError for images that do not exist where they are
    wanted (`texts` are what it shows).
    """
    mcis = settled.plan.mcis
    answers = _ask(mcis, settled, without)
    ids = answers.ids
    problems = tuple(_missing(mcis, settled.plan, ids, {*answers.silent, *without}))
    if problems:
        raise ManifestError(summary="the manifest is not valid", diagnostics=problems, texts=texts)
    lock = replace(_with_images(mcis, settled.lock, ids), places=answers.places)
    images = {(group, ordinal): offer.image for group, ordinal, offer in lock.members()}
    members = tuple(
        replace(member, image=images[member.group, member.ordinal]) for member in settled.plan.members
    )
    plan = replace(settled.plan, members=members, places=places.ids(answers.places))
    found = replace(settled, plan=with_host_keys(plan, home), lock=lock)
    return found, tuple(answers.silent.values())


def with_me(settled: Settled, *, look: bool) -> Settled:
    """The plan and its lock with our address, if a firewall wants it.

    `look`: look it up anew, as we may have moved; else what the lock has is taken.
    """
    if not any(map(_wants_me, _walls(settled.plan))):
        return settled
    me = whoami.given() or (whoami.looked_up() if look else settled.lock.me)
    return replace(settled, plan=replace(settled.plan, me=me), lock=replace(settled.lock, me=me))


def _walls(plan: Plan) -> Iterator[Firewall | None]:
    """The firewalls of groups on clouds elsewhere; None for a group without one."""
    for member in plan.members:
        if registry.graph(member.cloud).REMOTE:
            names = plan.mcis.groups[member.group].firewalls
            yield from (plan.mcis.firewalls[name] for name in names)
            if not names:
                yield None


def _wants_me(wall: Firewall | None) -> bool:
    """A group without a firewall lets its owner in."""
    return wall is None or any("me" in rule.sources for rule in wall.rules)


def with_host_keys(plan: Plan, home: StackHome) -> Plan:
    """The plan with a host key for every machine that does not tell its own."""
    # A renamed group's VMs have the keys of their first names.
    names = {
        m.name: first_vm_name(plan, m) for m in plan.members if registry.graph(m.cloud).INJECTS_HOST_KEYS
    }
    if not names:
        return plan
    stack = f"{plan.mcis.namespace}/{plan.mcis.stack}"
    derived = hostkeys.derive(passphrase(home), stack, names.values())
    return replace(plan, host_keys={name: derived[first] for name, first in names.items()})


# ---------------------------------------------------------------- images


def _known(mcis: Mcis, lock: Lock) -> dict[tuple[str, ImageQuery], str]:
    """What the lock has: a new VM boots what its like boot, not what has appeared since."""
    offers = (offer for _, _, offer in lock.members() if offer.connection in mcis.connections)
    return {
        (offer.connection, _query(mcis, offer.connection, offer.region, offer.type, offer.image)): id
        for offer in offers
        if (id := offer.image.id) is not None
    }


def _ask(mcis: Mcis, settled: Settled, without: Collection[str]) -> _Answers:
    """Every connection with members, all at once; one that fails keeps nobody from the others."""
    plan, known = settled.plan, _known(mcis, settled.lock)
    answers = _Answers(dict(known), settled.lock.places)

    def ask(name: str) -> tuple[Mapping[tuple[str, ImageQuery], str], Mapping[PlaceQuery, str]] | Silent:
        connection = mcis.connections[name]
        try:
            return _images(mcis, plan, connection, known), _places(plan, connection, settled.lock.places)
        except McisError as error:
            return silence.of(connection, error)

    names = [
        name for name in dict.fromkeys(member.connection for member in plan.members) if name not in without
    ]
    with ThreadPoolExecutor(max_workers=len(names) or 1) as pool:
        for name, told in zip(names, pool.map(ask, names), strict=True):
            if isinstance(told, Silent):
                answers.silent[name] = told
            else:
                answers.ids |= told[0]
                answers.places = places.learned(answers.places, name, told[1])
    return answers


def _images(mcis: Mcis, plan: Plan, connection: Connection, known: Ids) -> dict[tuple[str, ImageQuery], str]:
    name, module = connection.name, registry.images(connection.cloud)
    asked = (query for member, query in _queries(mcis, plan) if member.connection == name)
    wanted = [query for query in dict.fromkeys(asked) if (name, query) not in known]
    if module is None or not wanted:
        return {}
    return {(name, query): id for query, id in module.resolve(connection, wanted).items()}


def _queries(mcis: Mcis, plan: Plan) -> Iterator[tuple[Member, ImageQuery]]:
    """What is not known yet, for clouds that know their images by id."""
    for member in plan.members:
        if member.image.id is None and registry.images(member.cloud) is not None:
            yield member, _query(mcis, member.connection, member.region, member.type, member.image)


def _query(mcis: Mcis, connection: str, region: str, type: str, image: ImageChoice) -> ImageQuery:
    cloud = mcis.connections[connection].cloud
    declared = mcis.images.get(image.alias)
    entry = declared.by_cloud.get(cloud, {}) if declared else {}
    return ImageQuery(
        region=region,
        alias=image.alias,
        arch=registry.graph(cloud).arch(type),
        entry=tuple(sorted((name, str(value)) for name, value in entry.items())),
    )


def _missing(mcis: Mcis, plan: Plan, ids: Ids, silent: Collection[str]) -> Iterator[Diagnostic]:
    told: set[tuple[str, ImageQuery]] = set()
    for member, query in _queries(mcis, plan):
        about = (member.group, query)
        if member.connection in silent or (member.connection, query) in ids or about in told:
            continue
        told.add(about)
        yield Diagnostic(
            code=NOT_THERE,
            severity=Severity.ERROR,
            summary="image not found",
            detail=f"{member.connection}/{query.region} has no `{query.alias}` for {query.arch}",
            hint=f"name one that is there under `images`, or choose another image for {member.group}",
            span=mcis.span(f"groups.{member.group}.image"),
            group=member.group,
        )


def _with_images(mcis: Mcis, lock: Lock, ids: Ids) -> Lock:
    if not ids:
        return lock

    def known(offer: Offer) -> Offer:
        if offer.image.id is not None:
            return offer
        query = _query(mcis, offer.connection, offer.region, offer.type, offer.image)
        return replace(offer, image=replace(offer.image, id=ids.get((offer.connection, query))))

    def learned(group: GroupLock) -> GroupLock:
        return replace(group, members=rows({n: known(offer) for n, offer in group.offers().items()}))

    return replace(lock, groups={name: learned(group) for name, group in lock.groups.items()})


# ---------------------------------------------------------------- places


def _places(plan: Plan, connection: Connection, known: places.Places) -> Mapping[PlaceQuery, str]:
    """What is not known yet; the lock has no id but of a name that is still in the manifest."""
    asked = (query for name, query in places.wanted(plan.mcis, plan.members) if name == connection.name)
    wanted = [q for q in asked if q.what not in known.get(f"{connection.name}/{q.region}", {})]
    if not wanted:
        return {}
    module = registry.images(connection.cloud)
    return module.places(connection, wanted) if isinstance(module, CanPlace) else {}

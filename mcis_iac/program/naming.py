"""What everything is called: Pulumi logical names (keys), names inside a cloud, and tags.

A key is part of a resource's identity: changing one replaces users' VMs. Keys are made of names and
ordinals only, never of list positions or types, and name the connection, not the cloud.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from string import ascii_lowercase, digits

from mcis_iac.model import NOTHING, Mcis, Subject

DNS_CHARACTERS = ascii_lowercase + digits + "-"
DNS_LIMIT = 63
HASH_LENGTH = 6
_VM = re.compile(r"(?P<group>.+)-[1-9][0-9]*\Z")


def _key(kind: str, *parts: str) -> str:
    # A slash inside a name must not look like one between two names.
    return "/".join((kind, *(part.replace("%", "%25").replace("/", "%2F") for part in parts)))


def _parts(key: str) -> list[str]:
    return [part.replace("%2F", "/").replace("%25", "%") for part in key.split("/")]


def vm(group: str, ordinal: int) -> str:
    """A machine: `web-1`."""
    return f"{group}-{ordinal}"


def provider(connection: str) -> str:
    """The provider of a connection's credentials."""
    return _key("provider", connection)


def network(name: str, connection: str, region: str) -> str:
    """A network in one region."""
    return _key("net", name, connection, region)


def subnet(name: str, connection: str, region: str, zone: str) -> str:
    """A network's part in one zone."""
    return _key("subnet", name, connection, region, zone)


def security_group(group: str, connection: str, region: str) -> str:
    """What may come in to the VMs of a group in one region."""
    return _key("sg", group, connection, region)


def key_pair(name: str, connection: str, *more: str) -> str:
    """A login key as the cloud knows it; `more` is the region where regions keep keys apart."""
    return _key("key", name, connection, *more)


def boot_config(group: str, connection: str) -> str:
    """The first-boot instructions of a group."""
    return _key("boot", group, connection)


def address(vm_name: str) -> str:
    """The static public address of a VM."""
    return _key("ip", vm_name)


def disk(vm_name: str, name: str) -> str:
    """A data disk of a VM."""
    return _key("disk", vm_name, name)


def of_network(kind: str, name: str, connection: str, region: str, *more: str) -> str:
    """A part of a network in one region: `igw/main/aws/us-east-1`; kinds are in `NETWORK_KINDS`."""
    return _key(kind, name, connection, region, *more)


def of_group(kind: str, group: str, connection: str, region: str, *more: str) -> str:
    """What the VMs of a group in one region share; kinds are in `GROUP_KINDS`."""
    return _key(kind, group, connection, region, *more)


def of_vm(kind: str, vm_name: str, *more: str) -> str:
    """What belongs to one VM: `nic/web-1`; kinds are in `VM_KINDS`."""
    return _key(kind, vm_name, *more)


def cloud_name(mcis: Mcis, key: str, *, allowed: str = DNS_CHARACTERS, limit: int = DNS_LIMIT) -> str:
    """The name inside a cloud: `<name>-<key>` in `allowed` characters, at most `limit` long.

    It ends in 6 hex digits over namespace, name, env and key, so that two MCIS of one account never
    meet and nothing that squeezing or cutting makes equal stays equal.
    """
    suffix = ending(mcis.namespace, mcis.name, mcis.env, key)
    dash = "-" if "-" in allowed else ""
    letters = (letter if letter in allowed else dash for letter in f"{mcis.name}-{key}".lower())
    readable = re.sub(r"-{2,}", "-", "".join(letters))[: limit - HASH_LENGTH - len(dash)].strip("-")
    return f"{readable}{dash}{suffix}"


def ending(namespace: str, name: str, env: str | None, key: str) -> str:
    """What the names inside a cloud end in that were made from that key: by it a thing tells its key."""
    identity = "\0".join((namespace, name, env or "", key))
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]


def tags(
    mcis: Mcis, *, group: str | None = None, vm: str | None = None, labels: Mapping[str, str] = NOTHING
) -> dict[str, str]:
    """The tags of a resource, by which it can be found again; a label never hides one of ours."""
    ours = {
        "mcis": mcis.name,
        "mcis-namespace": mcis.namespace,
        "mcis-env": mcis.env,
        "mcis-group": group,
        "mcis-vm": vm,
    }
    return {**mcis.labels, **labels, **{name: value for name, value in ours.items() if value}}


NETWORK_KINDS = frozenset(
    {"net", "subnet", "igw", "rtb", "route", "rta", "nat", "natip", "router", "link", "resources", "everyone"}
)
GROUP_KINDS = frozenset({"sg", "rule", "template", "asg"})
VM_KINDS = frozenset({"ip", "disk", "nic", "attach", "bind", "admit"})


def subject_of(key: str) -> Subject:
    """Whom a key serves, as far as it tells (for resources known from state only)."""
    kind, *rest = _parts(key)
    if not rest:
        return _of_vm(key)
    if kind in VM_KINDS:
        return _of_vm(rest[0])
    if kind == "provider":
        return Subject(connection=rest[0])
    name, connection, region, *_ = (*rest, None, None)
    if kind in {"key", "boot"}:
        return Subject(group=name if kind == "boot" else None, connection=connection)
    if kind in NETWORK_KINDS | GROUP_KINDS and region is not None:
        return Subject(group=name if kind in GROUP_KINDS else None, connection=connection, region=region)
    return Subject()


def belongs_to(key: str, group: str) -> bool:
    """Whether the key is of the group itself or of one of its VMs."""
    kind, *rest = _parts(key)
    if not rest or kind in VM_KINDS:
        return _of_vm(rest[0] if rest else key).group == group
    return kind in {"boot", *GROUP_KINDS} and rest[0] == group


def with_group(key: str, old: str, new: str) -> str:
    """The key of what belongs to the group `old`, had the group been called `new`."""
    kind, *rest = _parts(key)
    if not rest:
        return f"{new}{key.removeprefix(old)}"
    return _key(kind, f"{new}{rest[0].removeprefix(old)}", *rest[1:])


def _of_vm(name: str) -> Subject:
    found = _VM.match(name)
    return Subject(group=found["group"], vm=name) if found else Subject()

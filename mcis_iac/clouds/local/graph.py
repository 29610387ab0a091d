"""The embedded cloud's resources: pure data for provider package `mcislocal`.

Per connection one provider and its keys; per network and region used one network; per zone used one
subnet; per group and region one security group; per group one boot config; per group and zone one
launch template; per VM the machine, its data disks and its static address. A machine refers to its
template for whatever it shares with others: the whole state is written at every step, so what stands
in each machine is paid for again and again.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping
from functools import cache, cached_property

from mcis_iac import __version__
from mcis_iac.clouds.base import Arch, Facts, RegionFact
from mcis_iac.clouds.common.entries import entry
from mcis_iac.clouds.common.site import Site, given
from mcis_iac.clouds.local import boot, firewall
from mcis_iac.clouds.local.check import check, directory, notices
from mcis_iac.model import Connection, Group, Member, Plan
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Resource, Value

# What the protocol asks for and other modules have.
__all__ = ["check", "notices"]

PACKAGE = "mcislocal"
VERSION = __version__
INSTANCE = f"{PACKAGE}:index:Instance"
VM_TOKENS = frozenset({INSTANCE})
SHIPS_PLUGIN = True
VARIABLES = ("MCIS_LOCAL_*",)
CREDENTIAL_ERRORS: tuple[str, ...] = ()
SIGN_IN = ""
INJECTS_HOST_KEYS = False  # the cloud makes them and tells
REMOTE = False
DEFAULT_TYPE = "small"
IMAGE_ALIASES = ("ubuntu-22.04", "ubuntu-24.04", "debian-12", "rocky-9")
OUTPUTS = ("privateIp", "publicIp", "hostKey", "sshPort")
# Two networks may not overlap and two machines not share a name, not even while one replaces the other.
ALONE = Options(delete_before_replace=True)


@cache
def facts() -> Facts:
    """The cloud's own regions and flavors."""
    from mcis_iac.local_cloud import facts as cloud

    regions = {
        name: RegionFact(name=name, zones=cloud.ZONES, latitude=region.latitude, longitude=region.longitude)
        for name, region in cloud.regions().items()
    }
    types = {
        name: {"vcpus": float(flavor.cpu), "memory_gib": flavor.memory_mib / 1024}
        for name, flavor in cloud.flavors().items()
    }
    return Facts(
        regions=regions, types=types, default_type=DEFAULT_TYPE, image_aliases=IMAGE_ALIASES, spot=False
    )


def declare(plan: Plan, connection: Connection) -> Iterator[Resource]:
    """All resources of the connection, each after what it refers to; none without members."""
    site = _Site.of(plan, connection)
    if site.members:
        yield from site.resources()


def links(_plan: Plan, _connection: Connection) -> Iterator[Resource]:
    """Nothing: its security groups cannot see machines of other clouds."""
    yield from ()


def arch(_type: str) -> Arch:
    """Every machine has the host's processor."""
    return "arm64" if platform.machine() in {"aarch64", "arm64"} else "amd64"


def inventory(plan: Plan, member: Member) -> Mapping[str, Value]:
    """The member's entry of the `inventory` output."""
    group = plan.mcis.groups[member.group]
    key = member.name
    return entry(
        plan,
        member,
        private_ip=Ref(key, "privateIp"),
        public_ip=None if group.public_ip == "none" else Ref(key, "publicIp"),
        host_key=Ref(key, "hostKey"),
        ssh_port=Ref(key, "sshPort"),
    )


class _Site(Site):
    """The resources of one connection; holds what all of them need."""

    PACKAGE, VERSION = PACKAGE, VERSION

    @cached_property
    def groups(self) -> list[Group]:
        used = dict.fromkeys(member.group for member in self.members)
        return [self.mcis.groups[name] for name in used]

    @cached_property
    def images(self) -> Mapping[str, str]:
        return {name: self._image(name) for name in {member.image.alias for member in self.members}}

    def resources(self) -> Iterator[Resource]:
        yield self._provider()
        yield from self._keys()
        yield from self._boot_configs()
        yield from self._networks()
        yield from self._security_groups()
        yield from self._templates()
        for member in self.members:
            yield from self._machine(member)

    def _provider(self) -> Resource:
        settings = self.connection.settings
        return self.way_in(
            {
                "site": str(settings.get("site", "default")),
                "backend": str(settings.get("backend", "auto")),
            }
        )

    # ---------------------------------------------------------- shared by many VMs

    def _key_name(self, name: str) -> str:
        # A key pair cannot be changed in place. With a name of its own the new one can exist beside
        # the old one until the last machine has left that.
        shown = hashlib.sha256(self.plan.public_keys[name].encode()).hexdigest()[:8]
        return naming.cloud_name(self.mcis, f"{naming.key_pair(name, self.connection.name)}/{shown}")

    def _keys(self) -> Iterator[Resource]:
        for name in dict.fromkeys(group.key for group in self.groups):
            inputs: Inputs = {
                "name": self._key_name(name),
                "publicKey": self.plan.public_keys[name],
                "tags": dict(naming.tags(self.mcis)),
            }
            key = naming.key_pair(name, self.connection.name)
            yield self.resource(key, "index:KeyPair", inputs, self.subject())

    def _networks(self) -> Iterator[Resource]:
        seen: set[str] = set()
        for member in self.members:
            network, region = self.mcis.groups[member.group].network, member.region
            ranges = self.plan.ranges.get(network, {})
            place = f"{self.connection.name}/{region}"
            key = naming.network(network, self.connection.name, region)
            if key not in seen:
                seen.add(key)
                inputs: Inputs = {
                    "name": naming.cloud_name(self.mcis, key),
                    "region": region,
                    "tags": dict(naming.tags(self.mcis)),
                }
                inputs |= given("cidr", ranges.get(place))
                yield self.resource(key, "index:Network", inputs, self.subject(region), options=ALONE)
            part = naming.subnet(network, self.connection.name, region, member.zone)
            if part not in seen:
                seen.add(part)
                inputs = {"network": Ref(key), "zone": member.zone}
                inputs |= given("cidr", ranges.get(f"{place}/{member.zone}"))
                yield self.resource(part, "index:Subnet", inputs, self.subject(region), options=ALONE)

    def _security_groups(self) -> Iterator[Resource]:
        for group in self.groups:
            rules = [dict(rule) for rule in firewall.rules(self.plan, group)]
            for region in dict.fromkeys(m.region for m in self.members if m.group == group.name):
                key = naming.security_group(group.name, self.connection.name, region)
                inputs: Inputs = {
                    "name": naming.cloud_name(self.mcis, key),
                    "network": Ref(naming.network(group.network, self.connection.name, region)),
                    "rules": list(rules),
                    "tags": self._tags(group),
                }
                yield self.resource(key, "index:SecurityGroup", inputs, self.subject(region, group.name))

    def _boot_configs(self) -> Iterator[Resource]:
        # Every group has one, even empty: taking `setup` out of a manifest must not take away what
        # its running machines were made from.
        for group in self.groups:
            key = naming.boot_config(group.name, self.connection.name)
            inputs: Inputs = {
                "name": naming.cloud_name(self.mcis, key),
                "userData": boot.user_data(group.setup),
                "tags": self._tags(group),
            }
            yield self.resource(key, "index:BootConfig", inputs, self.subject(group=group.name))

    def _templates(self) -> Iterator[Resource]:
        seen: set[str] = set()
        for member in self.members:
            key = self._template_key(member)
            if key in seen:
                continue
            seen.add(key)
            group = self.mcis.groups[member.group]
            inputs = {"name": self._template_name(key, member, group), **self._launch(member, group)}
            yield self.resource(key, "index:LaunchTemplate", inputs, self.subject(member.region, group.name))

    def _template_key(self, member: Member) -> str:
        return naming.of_group("template", member.group, self.connection.name, member.region, member.zone)

    def _template_name(self, key: str, member: Member, group: Group) -> str:
        # Another image, key or user needs other machines. With a name of its own the new template can
        # exist beside the old one until the last of them is made anew.
        image = self.images[member.image.alias]
        words = "\0".join((image, self._key_name(group.key), group.user, group.public_ip))
        shown = hashlib.sha256(words.encode()).hexdigest()[:8]
        return naming.cloud_name(self.mcis, f"{key}/{shown}")

    def _launch(self, member: Member, group: Group) -> Inputs:
        here, region = self.connection.name, member.region
        inputs: Inputs = {
            "zone": member.zone,
            "subnet": Ref(naming.subnet(group.network, here, region, member.zone)),
            "image": self.images[member.image.alias],
            "keyPair": Ref(naming.key_pair(group.key, here)),
            "user": group.user,
            "securityGroups": [Ref(naming.security_group(group.name, here, region))],
            "bootConfig": Ref(naming.boot_config(group.name, here)),
            "instanceTags": self._tags(group),
            "tags": self._tags(group),
        }
        if group.public_ip == "none":
            inputs["assignPublicIp"] = False
        return inputs

    # ---------------------------------------------------------- one VM

    def _machine(self, member: Member) -> Iterator[Resource]:
        group = self.mcis.groups[member.group]
        vm = naming.vm(member.group, member.ordinal)
        subject = self.subject(member.region, member.group, vm)
        inputs: Inputs = {
            "name": naming.cloud_name(self.mcis, vm),
            "template": Ref(self._template_key(member)),
            "flavor": member.type,
            "tags": {"mcis-vm": vm},
        }
        if group.public_ip == "static":
            key = naming.address(vm)
            address: Inputs = {
                "name": naming.cloud_name(self.mcis, key),
                "region": member.region,
                "tags": self._tags(group, vm),
            }
            yield self.resource(key, "index:Address", address, subject)
            inputs["address"] = Ref(key)
        volumes: list[Value] = []
        for disk in group.disks:
            key = naming.disk(vm, disk.name)
            volume: Inputs = {
                "name": naming.cloud_name(self.mcis, key),
                "zone": f"{member.region}/{member.zone}",
                "sizeGib": disk.size_gib or 1,
                "tags": self._tags(group, vm),
            }
            yield self.resource(key, "index:Volume", volume, subject)
            volumes.append({"volume": Ref(key), "mount": disk.mount})
        if volumes:
            inputs["volumes"] = volumes
        yield self.resource(vm, "index:Instance", inputs, subject, outputs=OUTPUTS, options=ALONE)

    def _image(self, alias: str) -> str:
        declared = self.mcis.images.get(alias)
        entry = declared.by_cloud.get("local", {}) if declared else {}
        return f"dir:{directory(self.mcis, str(entry['dir']))}" if "dir" in entry else "host"

    def _tags(self, group: Group, vm: str | None = None) -> Inputs:
        return dict(naming.tags(self.mcis, group=group.name, vm=vm, labels=group.labels))

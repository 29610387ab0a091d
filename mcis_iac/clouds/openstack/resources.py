"""The resources of one connection, region by region.

Per network and region one network with one subnet (zones share it: on OpenStack a zone is a choice of
hypervisors), and where there is an external network a router to it. Per group and region one security
group. Per VM a port, which carries address and security group, the server, its volumes and its
floating address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from mcis_iac.clouds.openstack import firstboot, labels, settings, walls
from mcis_iac.model import Connection, Group, Mcis, Member, Plan, Subject
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Resource, Value

PACKAGE = "openstack"
VERSION = "5.5.3"
INSTANCE = f"{PACKAGE}:compute/instance:Instance"
# Networks of a project are its own: those without a range in the manifest may all have the same one.
OWN_RANGE = "10.20.0.0/20"
KEY_MARK = 8
# A stopped machine would be started, a newer image would wipe the disk, new user data would replace.
IGNORED = ("powerState", "imageId", "imageName", "userData")
IGNORED_ON_VOLUMES = (*IGNORED, "blockDevices[0].uuid")


def network_id(mcis: Mcis, network: str, connection: Connection, region: str) -> Value:
    """The network's id: ours, or of one that is there already."""
    there = settings.existing(mcis, network, connection, region)
    if there is not None:
        return str(there.get("network"))
    return Ref(naming.network(network, connection.name, region))


def key_name(mcis: Mcis, name: str, public_key: str) -> str:
    """The name of a key pair; another text makes another name, so that both can exist for a while.

    Key pairs carry no tags: their names begin with what they can be found by.
    """
    text = hashlib.sha256(public_key.encode()).hexdigest()[:KEY_MARK]
    tags = naming.tags(mcis)
    return f"{key_mark(tags)}{naming.cloud_name(mcis, f'key/{name}/{text}')}"


def key_mark(tags: Mapping[str, str]) -> str:
    """What the key pairs of an MCIS begin with."""
    whose = "\0".join(tags.get(name, "") for name in ("mcis-namespace", "mcis", "mcis-env"))
    return f"mcis-{hashlib.sha256(whose.encode()).hexdigest()[:KEY_MARK]}-"


class Site:
    """The resources of one connection; holds what all of them need."""

    def __init__(self, plan: Plan, connection: Connection, members: Sequence[Member]) -> None:
        self.plan, self.mcis, self.connection, self.members = plan, plan.mcis, connection, members
        self.provider = naming.provider(connection.name)

    def resources(self) -> Iterator[Resource]:
        """All of them, each after what it refers to."""
        yield self._provider()
        places = dict.fromkeys((self.mcis.groups[m.group].network, m.region) for m in self.members)
        for network, region in places:
            yield from self._network(network, region)
        keys = dict.fromkeys((self.mcis.groups[m.group].key, m.region) for m in self.members)
        for name, region in keys:
            yield self._key_pair(name, region)
        for group, region in self.walled():
            yield self._security_group(group, region)
        for group, region in self.walled():
            for declared in walls.standing(self.plan, self.connection, group, region):
                yield self.rule(*declared)
        for member in self.members:
            yield from self._machine(member)

    def walled(self) -> list[tuple[Group, str]]:
        """Every group and region with a security group."""
        places = dict.fromkeys((m.group, m.region) for m in self.members)
        return [(self.mcis.groups[name], region) for name, region in places]

    def rule(self, key: str, inputs: Inputs, subject: Subject) -> Resource:
        """A security group rule."""
        return self._resource(key, "networking/secGroupRule:SecGroupRule", inputs, subject)

    def _resource(
        self,
        key: str,
        kind: str,
        inputs: Inputs,
        subject: Subject,
        *,
        outputs: tuple[str, ...] = (),
        options: Options | None = None,
    ) -> Resource:
        return Resource(
            key=key,
            token=f"{PACKAGE}:{kind}",
            inputs=inputs,
            version=VERSION,
            provider=self.provider,
            outputs=outputs,
            options=options or Options(),
            subject=subject,
        )

    def _subject(self, region: str | None = None, group: str | None = None, vm: str | None = None) -> Subject:
        here = self.connection
        return Subject(group=group, vm=vm, connection=here.name, cloud=here.cloud, region=region)

    def _named(self, key: str, region: str) -> Inputs:
        return {"name": naming.cloud_name(self.mcis, key), "region": region}

    def _words(self, group: Group | None = None, vm: str | None = None) -> list[Value]:
        return list(labels.words(self._tags(group, vm)))

    def _tags(self, group: Group | None = None, vm: str | None = None) -> dict[str, str]:
        if group is None:
            return naming.tags(self.mcis)
        return naming.tags(self.mcis, group=group.name, vm=vm, labels=group.labels)

    def _provider(self) -> Resource:
        given = self.connection.settings
        inputs: Inputs = {}
        if given.get("os_cloud") is not None:
            inputs["cloud"] = str(given["os_cloud"])
        if given.get("region") is not None:
            inputs["region"] = str(given["region"])
        return Resource(
            key=self.provider,
            token=f"pulumi:providers:{PACKAGE}",
            inputs=inputs,
            version=VERSION,
            options=Options(additional_secret_outputs=("password",)),
            env={ours: theirs for theirs, ours in (given.get("env") or {}).items()},
            subject=self._subject(),
        )

    # ---------------------------------------------------------- shared by many VMs

    def _key_pair(self, name: str, region: str) -> Resource:
        text = self.plan.public_keys[name]
        inputs: Inputs = {
            "name": key_name(self.mcis, name, text),
            "region": region,
            "publicKey": text,
        }
        return self._resource(
            naming.key_pair(name, self.connection.name, region),
            "compute/keypair:Keypair",
            inputs,
            self._subject(region),
            options=Options(additional_secret_outputs=("privateKey",)),
        )

    def _network(self, network: str, region: str) -> Iterator[Resource]:
        here, subject = self.connection.name, self._subject(region)
        if settings.existing(self.mcis, network, self.connection, region) is not None:
            return
        key = naming.network(network, here, region)
        inputs = self._named(key, region) | {"adminStateUp": True, "tags": self._words()}
        yield self._resource(key, "networking/network:Network", inputs, subject)
        part = naming.of_network("subnet", network, here, region)
        inputs = self._named(part, region) | {
            "networkId": Ref(key),
            "cidr": self.plan.ranges.get(network, {}).get(f"{here}/{region}", OWN_RANGE),
            "ipVersion": 4,
            "enableDhcp": True,
            "tags": self._words(),
        }
        servers = settings.name_servers(self.connection)
        if servers:
            inputs["dnsNameservers"] = list(servers)
        # Ranges of one network may not overlap, not even while one takes the place of the other.
        alone = Options(delete_before_replace=True)
        yield self._resource(part, "networking/subnet:Subnet", inputs, subject, options=alone)
        yield from self._router(network, region, part)

    def _router(self, network: str, region: str, subnet: str) -> Iterator[Resource]:
        outside = settings.external_network_id(self.plan, self.connection, region)
        if outside is None:
            return
        here, subject = self.connection.name, self._subject(region)
        key = naming.of_network("router", network, here, region)
        inputs = self._named(key, region) | {
            "adminStateUp": True,
            "externalNetworkId": outside,
            "tags": self._words(),
        }
        yield self._resource(key, "networking/router:Router", inputs, subject)
        inputs = {"region": region, "routerId": Ref(key), "subnetId": Ref(subnet)}
        link = naming.of_network("link", network, here, region)
        yield self._resource(link, "networking/routerInterface:RouterInterface", inputs, subject)

    def _security_group(self, group: Group, region: str) -> Resource:
        key = naming.security_group(group.name, self.connection.name, region)
        inputs = self._named(key, region) | {
            "description": f"{self.mcis.name}: {group.name}",
            "tags": self._words(group),
        }
        return self._resource(key, "networking/secGroup:SecGroup", inputs, self._subject(region, group.name))

    # ---------------------------------------------------------- one VM

    def _machine(self, member: Member) -> Iterator[Resource]:
        group, vm = self.mcis.groups[member.group], member.name
        subject = self._subject(member.region, group.name, vm)
        for disk in group.disks:
            key = naming.disk(vm, disk.name)
            volume = self._named(key, member.region) | {
                "size": disk.size_gib or 1,
                "metadata": dict(labels.metadata(self._tags(group, vm))),
            }
            volume |= _given("availabilityZone", member.zone or None)
            volume |= _given("volumeType", settings.volume_type(self.connection, disk))
            yield self._resource(key, "blockstorage/volume:Volume", volume, subject)
        yield self._port(member, group, subject)
        yield self._server(member, group, subject)
        for disk in group.disks:
            attached: Inputs = {
                "region": member.region,
                "instanceId": Ref(vm),
                "volumeId": Ref(naming.disk(vm, disk.name)),
            }
            key = naming.of_vm("attach", vm, disk.name)
            yield self._resource(key, "compute/volumeAttach:VolumeAttach", attached, subject)
        if group.public_ip != "none":
            yield from self._floating_address(member, group, subject)

    def _port(self, member: Member, group: Group, subject: Subject) -> Resource:
        here, region = self.connection, member.region
        key = naming.of_vm("nic", member.name)
        there = settings.existing(self.mcis, group.network, here, region)
        routed = there is None and settings.external_network(here, region) is not None
        subnet: Value = Ref(naming.of_network("subnet", group.network, here.name, region))
        if there is not None:
            subnet = str(there["subnet"]) if there.get("subnet") else None
        inputs = self._named(key, region) | {
            "networkId": network_id(self.mcis, group.network, here, region),
            "adminStateUp": True,
            "securityGroupIds": [Ref(naming.security_group(group.name, here.name, region))],
            "tags": self._words(group, member.name),
        }
        if subnet is not None:
            inputs["fixedIps"] = [{"subnetId": subnet}]
        # What a machine fetches at its first boot comes through the router.
        links = (naming.of_network("link", group.network, here.name, region),) if routed else ()
        return self._resource(
            key,
            "networking/port:Port",
            inputs,
            subject,
            outputs=("allFixedIps",),
            # An address in another subnet would be given to a machine that goes on using the old one.
            options=Options(depends_on=links, replace_on_changes=("fixedIps",), delete_before_replace=True),
        )

    def _server(self, member: Member, group: Group, subject: Subject) -> Resource:
        vm, region = member.name, member.region
        public_key = self.plan.public_keys[group.key]
        inputs = self._named(vm, region) | {
            "flavorName": member.type,
            "keyPair": Ref(naming.key_pair(group.key, self.connection.name, region)),
            "networks": [{"port": Ref(naming.of_vm("nic", vm))}],
            "userData": firstboot.user_data(group, vm, public_key, self.plan.host_keys.get(vm)),
            "configDrive": True,
            "metadata": dict(labels.metadata(self._tags(group, vm))),
        }
        inputs |= _given("availabilityZone", member.zone or None)
        inputs |= self._boot_disk(member, group)
        ignored = IGNORED_ON_VOLUMES if "blockDevices" in inputs else IGNORED
        options = Options(
            ignore_changes=ignored,
            additional_secret_outputs=("adminPass",),
            delete_before_replace=True,  # a port belongs to one server at a time
        )
        return self._resource(vm, INSTANCE.partition(":")[2], inputs, subject, options=options)

    def _boot_disk(self, member: Member, group: Group) -> Inputs:
        """The hypervisor's disk as the flavor has it, or a volume where a size is wished for."""
        image = member.image.id or member.image.alias
        if group.disk.size_gib is None:
            return {"imageId": image}
        device: Inputs = {
            "uuid": image,
            "sourceType": "image",
            "destinationType": "volume",
            "volumeSize": group.disk.size_gib,
            "bootIndex": 0,
            "deleteOnTermination": True,
        }
        device |= _given("volumeType", settings.volume_type(self.connection, group.disk))
        return {"blockDevices": [device]}

    def _floating_address(self, member: Member, group: Group, subject: Subject) -> Iterator[Resource]:
        vm, region = member.name, member.region
        key = naming.address(vm)
        inputs: Inputs = {
            "region": region,
            "pool": settings.external_network(self.connection, region),
            "description": naming.cloud_name(self.mcis, key),
            "tags": self._words(group, vm),
        }
        yield self._resource(key, "networking/floatingIp:FloatingIp", inputs, subject, outputs=("address",))
        bound: Inputs = {
            "region": region,
            "floatingIp": Ref(key, "address"),
            "portId": Ref(naming.of_vm("nic", vm)),
        }
        yield self._resource(
            naming.of_vm("bind", vm),
            "networking/floatingIpAssociate:FloatingIpAssociate",
            bound,
            subject,
        )


def _given(name: str, value: str | None) -> Inputs:
    return {} if value is None else {name: value}

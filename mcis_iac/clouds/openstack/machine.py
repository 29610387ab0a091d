"""One VM: its volumes, its port, the server itself, its floating address."""

from __future__ import annotations

from collections.abc import Iterator

from mcis_iac.clouds.common.site import given
from mcis_iac.clouds.openstack import firstboot, labels, settings
from mcis_iac.clouds.openstack.site import Site
from mcis_iac.model import Group, Member, Subject
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Resource, Value

INSTANCE = "compute/instance:Instance"
# A stopped machine would be started, a newer image would wipe the disk, new user data would replace.
IGNORED = ("powerState", "imageId", "imageName", "userData")
IGNORED_ON_VOLUMES = (*IGNORED, "blockDevices[0].uuid")


def machine(site: Site, member: Member) -> Iterator[Resource]:
    """All resources of one VM, each after what it refers to."""
    group, vm = site.mcis.groups[member.group], member.name
    subject = site.subject(member.region, group.name, vm)
    for disk in group.disks:
        key = naming.disk(vm, disk.name)
        volume = site.named(key, member.region) | {
            "size": disk.size_gib or 1,
            "metadata": dict(labels.metadata(site.tags(group, vm))),
        }
        volume |= given("availabilityZone", member.zone or None)
        volume |= given("volumeType", settings.volume_type(site.connection, disk))
        yield site.resource(key, "blockstorage/volume:Volume", volume, subject)
    yield _port(site, member, group, subject)
    yield _server(site, member, group, subject)
    for disk in group.disks:
        attached: Inputs = {
            "region": member.region,
            "instanceId": Ref(vm),
            "volumeId": Ref(naming.disk(vm, disk.name)),
        }
        key = naming.of_vm("attach", vm, disk.name)
        yield site.resource(key, "compute/volumeAttach:VolumeAttach", attached, subject)
    if group.public_ip != "none":
        yield from _floating_address(site, member, group, subject)


def _port(site: Site, member: Member, group: Group, subject: Subject) -> Resource:
    here, region = site.connection, member.region
    key = naming.of_vm("nic", member.name)
    there = settings.existing(site.mcis, group.network, here, region)
    routed = there is None and settings.leads_outside(here, region)
    network: Value = Ref(naming.network(group.network, here.name, region))
    subnet: Value = Ref(naming.of_network("subnet", group.network, here.name, region))
    if there is not None:
        network, subnet = str(there.get("network")), there.get("subnet")
    inputs = site.named(key, region) | {
        "networkId": network,
        "adminStateUp": True,
        "securityGroupIds": [Ref(naming.security_group(group.name, here.name, region))],
        "tags": site.words(group, member.name),
    }
    if subnet is not None:
        inputs["fixedIps"] = [{"subnetId": subnet}]
    # What a machine fetches at its first boot comes through the router.
    links = (naming.of_network("link", group.network, here.name, region),) if routed else ()
    return site.resource(
        key,
        "networking/port:Port",
        inputs,
        subject,
        outputs=("allFixedIps",),
        # An address in another subnet would be given to a machine that goes on using the old one.
        options=Options(depends_on=links, replace_on_changes=("fixedIps",), delete_before_replace=True),
    )


def _server(site: Site, member: Member, group: Group, subject: Subject) -> Resource:
    vm, region = member.name, member.region
    public_key = site.plan.public_keys[group.key]
    inputs = site.named(vm, region) | {
        "flavorName": member.type,
        "keyPair": Ref(naming.key_pair(group.key, site.connection.name, region)),
        "networks": [{"port": Ref(naming.of_vm("nic", vm))}],
        "userData": firstboot.user_data(group, vm, public_key, site.plan.host_keys.get(vm)),
        "configDrive": True,
        "metadata": dict(labels.metadata(site.tags(group, vm))),
    }
    inputs |= given("availabilityZone", member.zone or None)
    inputs |= _boot_disk(site, member, group)
    ignored = IGNORED_ON_VOLUMES if "blockDevices" in inputs else IGNORED
    options = Options(
        ignore_changes=ignored,
        additional_secret_outputs=("adminPass",),
        delete_before_replace=True,  # a port belongs to one server at a time
    )
    return site.resource(vm, INSTANCE, inputs, subject, options=options)


def _boot_disk(site: Site, member: Member, group: Group) -> Inputs:
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
    device |= given("volumeType", settings.volume_type(site.connection, group.disk))
    return {"blockDevices": [device]}


def _floating_address(site: Site, member: Member, group: Group, subject: Subject) -> Iterator[Resource]:
    vm, region = member.name, member.region
    key = naming.address(vm)
    inputs: Inputs = {
        "region": region,
        "pool": settings.external_network(site.connection, region),
        "description": naming.cloud_name(site.mcis, key),
        "tags": site.words(group, vm),
    }
    yield site.resource(key, "networking/floatingIp:FloatingIp", inputs, subject, outputs=("address",))
    bound: Inputs = {
        "region": region,
        "floatingIp": Ref(key, "address"),
        "portId": Ref(naming.of_vm("nic", vm)),
    }
    # An association does not survive its port, so it goes before the port does.
    alone = Options(replace_on_changes=("portId",), delete_before_replace=True)
    kind = "networking/floatingIpAssociate:FloatingIpAssociate"
    yield site.resource(naming.of_vm("bind", vm), kind, bound, subject, options=alone)

"""One VM: its public address, network interface, data disks and the machine itself.

Only the machine is taken down before its successor is made. What stands beside it has another name in a
new place or on a new network: it is made first, the machine moves, and the old one goes last. To take it
down first would fail, because the engine would not take down the machine that uses it before.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from functools import lru_cache

from mcis_iac.clouds import boot
from mcis_iac.clouds.azure import facts, network, pictures, slots
from mcis_iac.clouds.azure.site import Site
from mcis_iac.model import Disk, Group, Member, Subject
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Resource, Secret, Value

TOKEN = "azure-native:compute:VirtualMachine"
LUNS = range(64)
DISK_TYPES = {"cheap": "Standard_LRS", "balanced": "StandardSSD_LRS", "fast": "Premium_LRS"}
OUTPUTS = ("timeCreated",)
# What only the first boot reads; a newer image or setup is for machines to come.
FIRST_BOOT = ("osProfile.customData", "storageProfile.imageReference", "plan")
# The provider calls all of this an update, and Azure then refuses it.
REPLACING = (
    "availabilitySet",
    "evictionPolicy",
    "networkProfile.networkInterfaces",
    "osProfile.adminUsername",
    "osProfile.computerName",
    "osProfile.customData",
    "osProfile.linuxConfiguration",
    "plan",
    "priority",
    "securityProfile.securityType",
    "storageProfile.imageReference",
    "storageProfile.osDisk.createOption",
    "storageProfile.osDisk.managedDisk.storageAccountType",
    "storageProfile.osDisk.name",
    "zones",
)


def declare(site: Site, member: Member) -> Iterator[Resource]:
    """All that one VM has of its own."""
    group = site.group(member)
    if group.public_ip != "none":
        key = naming.address(member.name)
        tags = site.tags(group, member.name)
        name = site.called(key, group.network)
        yield network.public_address(site, key, member.region, tags, name)
    yield _interface(site, group, member)
    for disk in group.disks:
        yield _disk(site, group, member, disk)
    yield _machine(site, group, member)


def interface_key(member: Member) -> str:
    """The key of a VM's network interface."""
    return naming.of_vm("nic", member.name)


def luns(group: Group) -> Mapping[str, int]:
    """The number each data disk of a group has on its machine, by name."""
    return slots.numbered((disk.name for disk in group.disks), LUNS)


def _interface(site: Site, group: Group, member: Member) -> Resource:
    region, key = member.region, interface_key(member)
    roles = (
        network.everyone_key(site, group.network, region),
        network.role_key(site, group.name, region),
    )
    address: Inputs = {
        "name": "main",
        "primary": True,
        "privateIPAllocationMethod": "Dynamic",
        "privateIPAddressVersion": "IPv4",
        "subnet": {"id": network.subnet(site, group, region), **network.POLICIES},
        "applicationSecurityGroups": [{"id": Ref(role, implied=True)} for role in roles],
    }
    if group.public_ip != "none":
        address["publicIPAddress"] = {"id": Ref(naming.address(member.name))}
    inputs: Inputs = {
        **site.inside(region, implied=True),
        # An interface cannot change networks; with another name there is a new one.
        "networkInterfaceName": site.called(key, group.network),
        "location": network.location(site, group, region),
        "ipConfigurations": [address],
        "networkSecurityGroup": {"id": Ref(naming.security_group(group.name, site.name, region))},
        "enableIPForwarding": False,
        "tags": site.tags(group, member.name),
    }
    moving = Options(replace_on_changes=("location",))
    return site.resource(
        key,
        "network:NetworkInterface",
        inputs,
        _subject(site, member),
        outputs=("location",),
        options=moving,
    )


def _disk(site: Site, group: Group, member: Member, disk: Disk) -> Resource:
    key = naming.disk(member.name, disk.name)
    inputs: Inputs = {
        **site.inside(member.region),
        # A disk cannot change zones; the new one is made beside the old, which the machine still has.
        "diskName": site.called(key, member.zone),
        "location": member.region,
        **_zones(member),
        "sku": {"name": DISK_TYPES[disk.type]},
        "creationData": {"createOption": "Empty"},
        "diskSizeGB": disk.size_gib or 1,
        "tags": site.tags(group, member.name),
    }
    return site.resource(key, "compute:Disk", inputs, _subject(site, member))


def _zones(member: Member) -> Inputs:
    """Where in the region; some regions have no zones."""
    return {"zones": [member.zone]} if member.zone else {}


def _machine(site: Site, group: Group, member: Member) -> Resource:
    inputs: Inputs = {
        **site.inside(member.region, implied=True),
        "vmName": site.called(member.name),
        "location": Ref(interface_key(member), "location"),
        **_zones(member),
        "hardwareProfile": {"vmSize": member.type},
        "networkProfile": {
            "networkInterfaces": [
                {"id": Ref(interface_key(member)), "primary": True, "deleteOption": "Detach"}
            ]
        },
        "osProfile": _system(site, group, member),
        "storageProfile": _storage(site, group, member),
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
        "tags": site.tags(group, member.name),
    }
    if member.spot:
        inputs |= {"priority": "Spot", "evictionPolicy": "Deallocate", "billingProfile": {"maxPrice": -1}}
    plan = pictures.plan(site.mcis, member)
    if plan:
        inputs["plan"] = plan
    options = Options(ignore_changes=FIRST_BOOT, replace_on_changes=REPLACING, delete_before_replace=True)
    subject = _subject(site, member)
    return site.resource(
        member.name, "compute:VirtualMachine", inputs, subject, outputs=OUTPUTS, options=options
    )


def _system(site: Site, group: Group, member: Member) -> Inputs:
    login: Inputs = {
        "path": f"/home/{group.user}/.ssh/authorized_keys",
        "keyData": site.plan.public_keys[group.key],
    }
    return {
        "computerName": member.name,
        "adminUsername": group.user,
        "customData": custom_data(site, group, member),
        "linuxConfiguration": {
            "disablePasswordAuthentication": True,
            "provisionVMAgent": True,
            "ssh": {"publicKeys": [login]},
        },
    }


def custom_data(site: Site, group: Group, member: Member) -> Secret | str:
    """The first boot as base64, hidden when it gives the machine its host key."""
    told = boot.FirstBoot(
        setup=group.setup,
        user=group.user,
        public_key=site.plan.public_keys[group.key],
        host_key=site.plan.host_keys.get(member.name),
        mounts=mounts(group, member.type),
    )
    return Secret(_encoded(told)) if told.host_key else _shared(told)


def _encoded(told: boot.FirstBoot) -> str:
    # Azure names the machine itself (computerName): without host keys a group has one text.
    return base64.b64encode(boot.cloud_config(told).encode("utf-8", "surrogatepass")).decode("ascii")


_shared = lru_cache(maxsize=64)(_encoded)


def mounts(group: Group, size: str) -> tuple[boot.Mounted, ...]:
    """The data disks under paths that say the LUN, as the images' own rules make them."""
    folder = "/dev/disk/azure/data/by-lun/" if facts.shows_nvme(size) else "/dev/disk/azure/scsi1/lun"
    numbers = luns(group)
    return tuple(
        boot.Mounted(device=f"{folder}{numbers[disk.name]}", mount=disk.mount)
        for disk in sorted(group.disks, key=lambda disk: disk.mount)
    )


def _storage(site: Site, group: Group, member: Member) -> Inputs:
    system: Inputs = {
        "createOption": "FromImage",
        "name": site.called(naming.disk(member.name, ""), "os"),
        "caching": "ReadWrite",
        "deleteOption": "Delete",
        "managedDisk": {"storageAccountType": DISK_TYPES[group.disk.type]},
    }
    if group.disk.size_gib:
        system["diskSizeGB"] = group.disk.size_gib
    numbers = luns(group)
    data: list[Value] = [
        {
            "lun": numbers[disk.name],
            "createOption": "Attach",
            "caching": "None",
            "deleteOption": "Detach",
            "managedDisk": {"id": Ref(naming.disk(member.name, disk.name))},
        }
        for disk in sorted(group.disks, key=lambda disk: numbers[disk.name])
    ]
    storage: Inputs = {"imageReference": pictures.reference(member), "osDisk": system}
    return storage | ({"dataDisks": data} if data else {})


def _subject(site: Site, member: Member) -> Subject:
    return site.subject(member.region, member.group, member.name)

"""One machine and what belongs to it: static address, data disks, first-boot instructions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcis_iac.clouds import boot
from mcis_iac.clouds.gcp import catalogue, firewall, network
from mcis_iac.clouds.gcp.site import LABELLED, Site
from mcis_iac.model import Disk, Group, HostKey, Mcis, Member
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Ref, Resource, Secret, Value

INSTANCE = "compute/instance:Instance"
TIER = "PREMIUM"
OUTPUTS = ("networkInterfaces", "creationTimestamp")
# What only matters while a machine is made, and what the attachments write into it later.
PINNED = (
    "bootDisk.initializeParams.image",
    'metadata["user-data"]',
    'metadata["startup-script"]',
    "attachedDisks",
)
SPOT: Mapping[str, Value] = {
    "provisioningModel": "SPOT",
    "preemptible": True,
    "automaticRestart": False,
    "onHostMaintenance": "TERMINATE",
    "instanceTerminationAction": "STOP",
}
WITH_GPU: Mapping[str, Value] = {"automaticRestart": True, "onHostMaintenance": "TERMINATE"}


def machine(site: Site, member: Member) -> Iterator[Resource]:
    """The machine's address and disks, itself, and the disks' attachments."""
    group, vm = site.group(member), member.name
    subject = site.subject(member.region, member.group, vm)
    hidden = Options(delete_before_replace=True, additional_secret_outputs=LABELLED)
    if group.public_ip == "static":
        yield site.resource(
            naming.address(vm),
            "compute/address:Address",
            _address(site, member, group),
            subject,
            outputs=("address",),
            options=hidden,
        )
    disks = tuple(naming.disk(vm, disk.name) for disk in group.disks)
    for key, disk in zip(disks, group.disks, strict=True):
        inputs = _disk(site, member, group, key, disk)
        yield site.resource(key, "compute/disk:Disk", inputs, subject, options=hidden)
    options = Options(
        # Disks outlive their machine, also when both go: attachments then are not taken apart first.
        depends_on=(*network.way_out(site, member), *disks),
        ignore_changes=PINNED,
        delete_before_replace=True,
        additional_secret_outputs=LABELLED,
    )
    yield site.resource(
        vm, INSTANCE, _instance(site, member, group), subject, outputs=OUTPUTS, options=options
    )
    for key, disk in zip(disks, group.disks, strict=True):
        attached = _attached(member, key, disk)
        yield site.resource(
            naming.of_vm("attach", vm, disk.name),
            "compute/attachedDisk:AttachedDisk",
            attached,
            subject,
            options=Options(delete_before_replace=True, deleted_with=vm),
        )


def first_boot(mcis: Mcis, group: Group, hostname: str, public_key: str, host_key: HostKey | None) -> str:
    """The machine's instructions in the language its image understands."""
    told = boot.FirstBoot(
        setup=group.setup,
        user=group.user,
        public_key=public_key,
        host_key=host_key,
        mounts=tuple(boot.Mounted(device=_device(disk), mount=disk.mount) for disk in group.disks),
        hostname=hostname,
    )
    return boot.cloud_config(told) if has_cloud_init(mcis, group.image) else boot.script(told)


def has_cloud_init(mcis: Mcis, image: str) -> bool:
    """Whether an image reads `user-data`; in all others Google's agent runs a `startup-script`."""
    declared = mcis.images.get(image)
    if declared is not None:
        return bool(declared.by_cloud.get("gcp", {}).get("cloud_init", False))
    return bool(catalogue.data("images")["images"].get(image, {}).get("cloud_init", False))


def public_ip(group: Group, vm: str) -> Value:
    """Where a machine is reached from outside, None if it is not."""
    if group.public_ip == "none":
        return None
    if group.public_ip == "static":
        return Ref(naming.address(vm), "address")
    return Ref(vm, "networkInterfaces.0.accessConfigs.0.natIp")


def machine_id(vm: str) -> Value:
    """`projects/P/zones/Z/instances/N`."""
    return Ref(vm)


def created_at(vm: str) -> Value:
    """When the machine was made, RFC 3339."""
    return Ref(vm, "creationTimestamp")


def private_ip(vm: str) -> Value:
    """The machine's address in its network."""
    return Ref(vm, "networkInterfaces.0.networkIp")


# ---------------------------------------------------------------- inputs


def _instance(site: Site, member: Member, group: Group) -> Inputs:
    inputs: Inputs = {
        "name": site.name(member.name),
        "zone": network.zone(site, member),
        "machineType": member.type,
        "allowStoppingForUpdate": True,
        "bootDisk": {"autoDelete": True, "initializeParams": _boot_disk(member, group)},
        "networkInterfaces": [_interface(site, member, group)],
        "metadata": _metadata(site, member, group),
        "tags": firewall.tags(site, member),
        "labels": site.labels(group, member.name),
    }
    if member.spot:
        inputs["scheduling"] = dict(SPOT)
    elif catalogue.has_gpu(member.type):
        inputs["scheduling"] = dict(WITH_GPU)
    return inputs


def _boot_disk(member: Member, group: Group) -> Inputs:
    # An image nobody has looked up yet is shown by its name.
    disk: Inputs = {
        "image": member.image.id or member.image.alias,
        "type": catalogue.disk_type(member.type, group.disk.type),
    }
    return disk | ({} if group.disk.size_gib is None else {"size": group.disk.size_gib})


def _interface(site: Site, member: Member, group: Group) -> Inputs:
    found = network.interface(site, member)
    if group.public_ip == "none":
        return found
    access: Inputs = {"networkTier": TIER}
    if group.public_ip == "static":
        access["natIp"] = Ref(naming.address(member.name), "address")
    return found | {"accessConfigs": [access]}


def _metadata(site: Site, member: Member, group: Group) -> Inputs:
    key = site.plan.public_keys[group.key]
    host_key = site.plan.host_keys.get(member.name)
    text = first_boot(site.mcis, group, member.name, key, host_key)
    where = "user-data" if has_cloud_init(site.mcis, group.image) else "startup-script"
    return {
        "ssh-keys": f"{group.user}:{key}",
        # Otherwise a project can replace our key by its own list of people.
        "enable-oslogin": "FALSE",
        "block-project-ssh-keys": "TRUE",
        where: Secret(text) if host_key else text,
    }


def _address(site: Site, member: Member, group: Group) -> Inputs:
    return {
        "name": site.name(naming.address(member.name)),
        "region": member.region,
        "addressType": "EXTERNAL",
        "networkTier": TIER,
        "labels": site.labels(group, member.name),
    }


def _disk(site: Site, member: Member, group: Group, key: str, disk: Disk) -> Inputs:
    return {
        "name": site.name(key),
        "zone": catalogue.zone_name(member.region, member.zone),
        "type": catalogue.disk_type(member.type, disk.type),
        "size": disk.size_gib or catalogue.limit("disk_min_gib"),
        "labels": site.labels(group, member.name),
    }


def _attached(member: Member, key: str, disk: Disk) -> Inputs:
    return {
        "disk": Ref(key),
        "instance": Ref(member.name),
        "zone": catalogue.zone_name(member.region, member.zone),
        "deviceName": _device_name(disk),
        "mode": "READ_WRITE",
    }


def _device_name(disk: Disk) -> str:
    return f"mcis-{disk.name}"


def _device(disk: Disk) -> str:
    """Where Google's udev rules show the disk, whatever order the disks come up in."""
    return f"/dev/disk/by-id/google-{_device_name(disk)}"

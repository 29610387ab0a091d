"""One VM on AWS with what belongs to it: data disks, a static address, and how these are attached."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from string import ascii_lowercase

from mcis_iac.clouds import boot
from mcis_iac.clouds.aws import network
from mcis_iac.clouds.aws.scope import Scope
from mcis_iac.model import Disk, Group, Member
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Join, Options, Ref, Resource, Secret, Value

INSTANCE = "aws:ec2/instance:Instance"
OUTPUTS = ("privateIp", "publicIp")
# gp3 has 3,000 operations per second at any size, and more only at 500 for each GiB.
BASE_IOPS, FAST_IOPS, IOPS_PER_GIB = 3000, 6000, 500
FAST_THROUGHPUT = 500  # MiB per second
# Names for EBS volumes that no instance store or boot disk uses. What the guest shows is another
# matter: there a disk is found by its volume's id.
DEVICES = tuple(f"/dev/xvd{first}{second}" for first in "bc" for second in ascii_lowercase)
# Credentials of a machine are given to who can ask twice, which a deceived web server cannot.
METADATA: Inputs = {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}
# Spot machines of other kinds cannot be stopped and started again.
SPOT: Inputs = {"spotInstanceType": "persistent", "instanceInterruptionBehavior": "stop"}
# What counts at the first boot only; a newer image replaces nobody by itself.
FIRST_BOOT = ("ami", "userData", "keyName")
# Read back as false while a VM is stopped, which would replace it: asked for once and never compared.
ASKED_ONCE = "associatePublicIpAddress"


def declare(scope: Scope, member: Member) -> Iterator[Resource]:
    """The machine and what belongs to it."""
    group = scope.group(member)
    yield from (_volume(scope, group, member, disk) for disk in group.disks)
    yield _instance(scope, group, member)
    yield from _attachments(scope, group, member)
    if group.public_ip == "static":
        yield from _address(scope, group, member)


def disk_inputs(disk: Disk, *, size: str, kind: str) -> Inputs:
    """Size and type of a disk under the names a resource has for them."""
    inputs: Inputs = {kind: "gp3"}
    if disk.size_gib is not None:
        inputs[size] = disk.size_gib
    if disk.type == "fast":
        most = IOPS_PER_GIB * disk.size_gib if disk.size_gib else BASE_IOPS
        inputs["iops"] = max(BASE_IOPS, min(FAST_IOPS, most))
        inputs["throughput"] = FAST_THROUGHPUT
    return inputs


def devices(names: Iterable[str]) -> Mapping[str, str]:
    """A device name per disk, made of its name: more disks seldom move one, another order never."""
    found: dict[str, str] = {}
    taken: set[int] = set()
    for name in sorted(names):
        place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % len(DEVICES)
        while place in taken:
            place = (place + 1) % len(DEVICES)
        taken.add(place)
        found[name] = DEVICES[place]
    return found


def _volume(scope: Scope, group: Group, member: Member, disk: Disk) -> Resource:
    key = naming.disk(member.name, disk.name)
    inputs: Inputs = {
        "availabilityZone": f"{member.region}{member.zone}",
        "encrypted": True,
        **disk_inputs(disk, size="size", kind="type"),
        "tags": scope.tags(key, group.name, member.name),
    }
    inputs.setdefault("size", 1)
    return scope.regional(key, "ebs/volume:Volume", member.region, inputs, group=group.name, vm=member.name)


def _instance(scope: Scope, group: Group, member: Member) -> Resource:
    connection = scope.connection.name
    place = network.seat(scope, member)
    tags = scope.tags(member.name, group.name, member.name)
    boot_disk = scope.tags(naming.of_vm("disk", member.name), group.name, member.name)
    root: Inputs = {"encrypted": True, "deleteOnTermination": True, "tags": boot_disk}
    inputs: Inputs = {
        "ami": image(scope, member),
        "instanceType": member.type,
        "subnetId": place.subnet,
        "vpcSecurityGroupIds": [Ref(naming.security_group(group.name, connection, member.region))],
        "keyName": key_name(scope, group.key, member.region),
        "userData": user_data(scope, group, member),
        "rootBlockDevice": root | disk_inputs(group.disk, size="volumeSize", kind="volumeType"),
        "metadataOptions": dict(METADATA),
        "tags": tags,
    }
    if not place.decides:
        inputs[ASKED_ONCE] = network.kind_of(group) == "public"
    if member.spot:
        inputs["instanceMarketOptions"] = {"marketType": "spot", "spotOptions": dict(SPOT)}
    return scope.regional(
        member.name,
        INSTANCE.removeprefix("aws:"),
        member.region,
        inputs,
        group=group.name,
        vm=member.name,
        outputs=OUTPUTS,
        options=Options(
            depends_on=place.after,
            ignore_changes=FIRST_BOOT if place.decides else (*FIRST_BOOT, ASKED_ONCE),
            delete_before_replace=True,
        ),
    )


def image(scope: Scope, member: Member) -> str:
    """The image's id; while nobody has looked it up, what the manifest calls it."""
    declared = scope.mcis.images.get(member.image.alias)
    entry = declared.by_cloud.get("aws", {}) if declared else {}
    return member.image.id or str(entry.get("id") or member.image.alias)


def key_name(scope: Scope, key: str, region: str) -> str:
    """A key pair cannot be changed; named after its content, the new one can exist beside the old."""
    shown = hashlib.sha256(scope.plan.public_keys[key].encode()).hexdigest()[:8]
    return naming.cloud_name(scope.mcis, f"{naming.key_pair(key, scope.connection.name, region)}/{shown}")


def first_boot(scope: Scope, group: Group, member: Member) -> boot.FirstBoot:
    """What the machine does when it first starts."""
    mounts = (
        boot.Mounted(device=Ref(naming.disk(member.name, disk.name)), mount=disk.mount)
        for disk in group.disks
        if disk.mount
    )
    return boot.FirstBoot(
        setup=group.setup,
        user=group.user,
        public_key=scope.plan.public_keys[group.key],
        host_key=scope.plan.host_keys.get(member.name),
        mounts=tuple(mounts),
        hostname=member.name,
    )


def user_data(scope: Scope, group: Group, member: Member) -> Value:
    """The machine's instructions, secret when a private key is among them."""
    wanted = first_boot(scope, group, member)
    text = boot.referring(boot.cloud_config, wanted) if wanted.mounts else boot.cloud_config(wanted)
    if wanted.host_key is None:
        return text
    if isinstance(text, str):
        return Secret(text)
    return Join(tuple(Secret(part) if isinstance(part, str) else part for part in text.parts))


def _attachments(scope: Scope, group: Group, member: Member) -> Iterator[Resource]:
    names = devices(disk.name for disk in group.disks)
    for disk in group.disks:
        inputs: Inputs = {
            "deviceName": names[disk.name],
            "volumeId": Ref(naming.disk(member.name, disk.name)),
            "instanceId": Ref(member.name),
        }
        yield scope.regional(
            naming.of_vm("attach", member.name, disk.name),
            "ec2/volumeAttachment:VolumeAttachment",
            member.region,
            inputs,
            group=group.name,
            vm=member.name,
            # A machine that goes lets go of its disks by itself; a mounted one cannot be taken away.
            options=Options(
                ignore_changes=("deviceName",), delete_before_replace=True, deleted_with=member.name
            ),
        )


def _address(scope: Scope, group: Group, member: Member) -> Iterator[Resource]:
    key = naming.address(member.name)
    inputs: Inputs = {"domain": "vpc", "tags": scope.tags(key, group.name, member.name)}
    yield scope.regional(
        key, "ec2/eip:Eip", member.region, inputs, group=group.name, vm=member.name, outputs=("publicIp",)
    )
    yield scope.regional(
        naming.of_vm("bind", member.name),
        "ec2/eipAssociation:EipAssociation",
        member.region,
        {"allocationId": Ref(key), "instanceId": Ref(member.name)},
        group=group.name,
        vm=member.name,
        options=Options(delete_before_replace=True, deleted_with=member.name),
    )

"""What a machine of each cloud is told and given: its first boot, its public address, its disks."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from fakes.standin import aws, azure, gcp, openstack
from fakes.standin.store import Store, Thing, at

MACHINES = {
    "aws": aws.INSTANCE,
    "gcp": gcp.INSTANCE,
    "azure-native": azure.MACHINE,
    "openstack": openstack.SERVER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One machine that exists; `disks` are paths below /dev/disk by which its images show data disks."""

    name: str
    id: str
    user_data: str
    address: str | None
    disks: frozenset[str]


def orders(package: str, store: Store) -> Iterator[Order]:
    """All machines of a plugin's cloud."""
    for thing in store.things(MACHINES[package]):
        told, address, disks = READ[package](store, thing)
        yield Order(
            name=thing.name,
            id=thing.id,
            user_data=told,
            address=address or None,
            disks=frozenset(disks),
        )


def _aws(store: Store, machine: Thing) -> tuple[str, str, list[str]]:
    mine = [t for t in store.things("%:VolumeAttachment") if t.inputs["instanceId"] == machine.id]
    serials = [str(each.inputs["volumeId"]).replace("-", "") for each in mine]
    disks = [f"by-id/nvme-Amazon_Elastic_Block_Store_{serial}" for serial in serials]
    return str(machine.inputs["userData"]), str(machine.outputs["publicIp"]), disks


def _gcp(store: Store, machine: Thing) -> tuple[str, str, list[str]]:
    mine = [t for t in store.things("%:AttachedDisk") if t.inputs["instance"] == machine.id]
    address = next(at(machine.outputs, "networkInterfaces.accessConfigs.natIp"), "")
    told = str(machine.inputs["metadata"]["user-data"])
    return told, str(address), [f"by-id/google-{each.inputs['deviceName']}" for each in mine]


def _azure(store: Store, machine: Thing) -> tuple[str, str, list[str]]:
    (card,) = at(machine.inputs, "networkProfile.networkInterfaces.id")
    found = store.find(machine.scope, azure.CARD, str(card).lower())
    links = list(at(found.inputs, "ipConfigurations.publicIPAddress.id")) if found else []
    address = store.find(machine.scope, azure.ADDRESS, str(links[0]).lower()) if links else None
    luns = list(at(machine.inputs, "storageProfile.dataDisks.lun"))
    disks = [f"azure/{way}{lun}" for lun in luns for way in ("scsi1/lun", "data/by-lun/")]
    told = base64.b64decode(str(machine.inputs["osProfile"]["customData"])).decode()
    return told, str(address.outputs["ipAddress"]) if address else "", disks


def _openstack(store: Store, machine: Thing) -> tuple[str, str, list[str]]:
    mine = [t for t in store.things("%:VolumeAttach") if t.inputs["instanceId"] == machine.id]
    ports = set(at(machine.inputs, "networks.port"))
    bound = [t for t in store.things("%:FloatingIpAssociate") if t.inputs["portId"] in ports]
    address = str(bound[0].inputs["floatingIp"]) if bound else ""
    disks = [f"by-id/virtio-{str(each.inputs['volumeId'])[:20]}" for each in mine]
    return str(machine.inputs["userData"]), address, disks


READ = {"aws": _aws, "gcp": _gcp, "azure-native": _azure, "openstack": _openstack}

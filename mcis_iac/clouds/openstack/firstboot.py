"""The user data of one machine.

A data disk's serial number is made of its volume's id, so the text refers to the volume: it is
finished by the engine once the volume exists, before the machine does.
"""

from __future__ import annotations

from mcis_iac.clouds.boot import FirstBoot, Mounted, cloud_config, referring
from mcis_iac.model import Group, HostKey
from mcis_iac.program import naming
from mcis_iac.program.graph import Join, Ref, Secret

# Nova takes 65,535 characters after the provider has encoded the text with base64.
LIMIT = 65_535 // 4 * 3


def user_data(group: Group, vm: str, public_key: str, host_key: HostKey | None) -> Secret | str | Join:
    """The text; a secret when there is a host key in it."""
    text = _text(group, vm, public_key, host_key)
    return Secret(text) if host_key else text


def size(group: Group, vm: str, public_key: str, host_key: HostKey | None) -> int:
    """How many bytes it has, a volume's id counted as what it will be."""
    text = _text(group, vm, public_key, host_key)
    parts = text.parts if isinstance(text, Join) else (text,)
    return sum(len(part.encode()) if isinstance(part, str) else VOLUME_ID for part in parts)


VOLUME_ID = 36  # a UUID as text


def _text(group: Group, vm: str, public_key: str, host_key: HostKey | None) -> str | Join:
    boot = _boot(group, vm, public_key, host_key)
    # Looking for references means writing the text twice, which takes longer than all the rest.
    return referring(cloud_config, boot) if boot.mounts else cloud_config(boot)


def _boot(group: Group, vm: str, public_key: str, host_key: HostKey | None) -> FirstBoot:
    mounts = tuple(
        Mounted(device=Ref(naming.disk(vm, disk.name)), mount=disk.mount)
        for disk in group.disks
        if disk.mount
    )
    return FirstBoot(
        setup=group.setup,
        user=group.user,
        public_key=public_key,
        host_key=host_key,
        mounts=mounts,
        hostname=vm,
    )

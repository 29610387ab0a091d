"""The local cloud's API, as its callers see it (provider plugin, `clouds/local`, service tool).

`LocalCloud` in `cloud.py` implements it. All methods may be called from several processes and
threads at once; each reconciles first. Creating is idempotent: a thing of the same name and tags
with equal fixed properties is adopted, so a repeated create never makes a second one. Deleting
what is not there succeeds. Refusals are LocalCloudError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from mcis_iac.local_cloud.types import (
    Address,
    Attachment,
    BootConfig,
    Instance,
    InstanceSpec,
    KeyPair,
    Launch,
    LaunchTemplate,
    LocalCloudError,
    Network,
    Rule,
    SecurityGroup,
    Subnet,
    Volume,
)

Tags = Mapping[str, str]
Resource = (
    Network | Subnet | SecurityGroup | KeyPair | BootConfig | LaunchTemplate | Address | Volume | Instance
)


class CloudApi(Protocol):
    """One site of the local cloud. `backend` is the chosen one's name, `reason` why."""

    site: str
    backend: str
    reason: str

    def create_network(self, *, name: str, region: str, cidr: str | None, tags: Tags) -> Network: ...
    def create_subnet(self, *, network: str, zone: str, cidr: str | None) -> Subnet: ...
    def create_security_group(
        self, *, name: str, network: str, rules: Sequence[Rule], tags: Tags
    ) -> SecurityGroup: ...
    def set_rules(self, group: str, rules: Sequence[Rule]) -> SecurityGroup: ...
    def create_key_pair(self, *, name: str, public_key: str, tags: Tags) -> KeyPair: ...
    def create_boot_config(self, *, name: str, user_data: str, tags: Tags) -> BootConfig: ...
    def set_user_data(self, boot_config: str, user_data: str) -> BootConfig: ...
    def create_launch_template(
        self, *, name: str, launch: Launch, instance_tags: Tags, tags: Tags
    ) -> LaunchTemplate: ...
    def update_launch_template(
        self, template: str, *, boot_config: str | None, instance_tags: Tags, tags: Tags
    ) -> LaunchTemplate:
        """The instances that copied it keep what they have, but for the tags, which follow."""

    def create_address(self, *, name: str, region: str, tags: Tags) -> Address: ...
    def create_volume(self, *, name: str, zone: str, size_gib: int, tags: Tags) -> Volume: ...
    def grow_volume(self, volume: str, size_gib: int) -> Volume: ...

    def create_instances(self, specs: Sequence[InstanceSpec]) -> Sequence[Instance | LocalCloudError]:
        """One batch: in the order of `specs`, each an instance whose sshd answered, or why not."""

    def update_instance(
        self,
        instance: str,
        *,
        flavor: str,
        security_groups: Sequence[str],
        volumes: Sequence[Attachment],
        tags: Tags,
        boot_config: str | None,
    ) -> Instance: ...
    def set_tags(self, resource: str, tags: Tags) -> None: ...

    def get(self, kind: str, id: str) -> Resource | None:
        """kind: network, subnet, security_group, key_pair, boot_config, launch_template, address, volume,
        instance."""

    def instances(self, tags: Tags = ...) -> Sequence[Instance]: ...
    def find(self, tags: Tags) -> Sequence[tuple[str, str, str, Tags]]:
        """(kind, id, name, tags) of everything that carries all these tags."""

    def delete(self, kind: str, ids: Sequence[str]) -> None:
        """Delete a batch of one kind; LocalCloudError("conflict") when something still uses it."""

    def power(self, action: str, ids: Sequence[str]) -> Mapping[str, LocalCloudError]:
        """ "stop", "start" or "reboot" a batch: by id, those it was not done to and why."""

    def stop(self, ids: Sequence[str]) -> None: ...
    def start(self, ids: Sequence[str]) -> None: ...
    def reboot(self, ids: Sequence[str]) -> None: ...
    def console(self, id: str) -> str: ...
    def collect(self) -> Sequence[str]:
        """Remove orphans and half-made things of dead creators; sentences saying what was done."""

    def reset(self) -> None:
        """Delete everything of this site, whoever made it, and its directory."""

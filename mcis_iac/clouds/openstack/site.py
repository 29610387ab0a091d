"""One connection as its resources see it: its name, its tags, its provider."""

from __future__ import annotations

from collections.abc import Sequence

from mcis_iac.clouds.openstack import labels
from mcis_iac.model import Connection, Group, Member, Plan, Subject
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Resource, Value

PACKAGE = "openstack"
VERSION = "5.5.3"


class Site:
    """What all resources of one connection need."""

    def __init__(self, plan: Plan, connection: Connection, members: Sequence[Member]) -> None:
        self.plan, self.mcis, self.connection, self.members = plan, plan.mcis, connection, members
        self.provider = naming.provider(connection.name)

    def resource(
        self,
        key: str,
        kind: str,
        inputs: Inputs,
        subject: Subject,
        *,
        outputs: tuple[str, ...] = (),
        options: Options | None = None,
    ) -> Resource:
        """A resource of this connection; `kind` is its token without the package."""
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

    def subject(self, region: str | None = None, group: str | None = None, vm: str | None = None) -> Subject:
        """Whom a resource serves."""
        here = self.connection
        return Subject(group=group, vm=vm, connection=here.name, cloud=here.cloud, region=region)

    def named(self, key: str, region: str) -> Inputs:
        """The inputs everything with a name has."""
        return {"name": naming.cloud_name(self.mcis, key), "region": region}

    def words(self, group: Group | None = None, vm: str | None = None) -> list[Value]:
        """The tags of what is in the network."""
        return list(labels.words(self.tags(group, vm)))

    def tags(self, group: Group | None = None, vm: str | None = None) -> dict[str, str]:
        """The tags of the MCIS, of a group, of a VM."""
        if group is None:
            return naming.tags(self.mcis)
        return naming.tags(self.mcis, group=group.name, vm=vm, labels=group.labels)

    def provider_resource(self) -> Resource:
        """The way in; credentials stay where the provider finds them."""
        words = self.connection.settings
        inputs: Inputs = {}
        if words.get("os_cloud") is not None:
            inputs["cloud"] = str(words["os_cloud"])
        if words.get("region") is not None:
            inputs["region"] = str(words["region"])
        return Resource(
            key=self.provider,
            token=f"pulumi:providers:{PACKAGE}",
            inputs=inputs,
            version=VERSION,
            options=Options(additional_secret_outputs=("password",)),
            env={ours: theirs for theirs, ours in (words.get("env") or {}).items()},
            subject=self.subject(),
        )


def given(name: str, value: str | None) -> Inputs:
    """An input that is left out while it has no value."""
    return {} if value is None else {name: value}

"""One connection's part of a plan, and how its resources are put together: what all clouds share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from mcis_iac.model import Connection, Group, Mcis, Member, Plan, Subject
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Resource

NO_OPTIONS = Options()


@dataclass(frozen=True)
class Site:
    """One connection and its members; a cloud derives its own with its package and its words."""

    PACKAGE: ClassVar[str]
    VERSION: ClassVar[str]
    OPTIONS: ClassVar[Options] = NO_OPTIONS  # of what says nothing else

    plan: Plan
    connection: Connection
    members: Sequence[Member]

    @classmethod
    def of(cls, plan: Plan, connection: Connection) -> Self:
        """The connection with the members of the plan that are on it."""
        return cls(plan, connection, [m for m in plan.members if m.connection == connection.name])

    @property
    def mcis(self) -> Mcis:
        """The MCIS all this is for."""
        return self.plan.mcis

    @property
    def provider(self) -> str:
        """The key of the connection's provider."""
        return naming.provider(self.connection.name)

    def group(self, member: Member) -> Group:
        """The group of a member."""
        return self.mcis.groups[member.group]

    def existing(self, network: str, region: str) -> Mapping[str, Any] | None:
        """The user's own words for a network that is there already."""
        return self.mcis.networks[network].existing.get(self.connection.name, {}).get(region)

    def block(self, network: str, region: str) -> str:
        """The range of a network in a region; the plan has one wherever a cloud gives none."""
        return self.plan.ranges[network][f"{self.connection.name}/{region}"]

    def subject(self, region: str | None = None, group: str | None = None, vm: str | None = None) -> Subject:
        """Whom a resource serves."""
        here = self.connection
        return Subject(group=group, vm=vm, connection=here.name, cloud=here.cloud, region=region)

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
            token=f"{self.PACKAGE}:{kind}",
            inputs=inputs,
            version=self.VERSION,
            provider=self.provider,
            outputs=outputs,
            options=options or self.OPTIONS,
            subject=subject,
        )

    def way_in(self, inputs: Inputs, options: Options = NO_OPTIONS) -> Resource:
        """The provider; `env` says which variables of the user's it reads instead of its own."""
        renamed: Mapping[str, str] = self.connection.settings.get("env") or {}
        return Resource(
            key=self.provider,
            token=f"pulumi:providers:{self.PACKAGE}",
            inputs=inputs,
            version=self.VERSION,
            options=options,
            env={str(ours): str(theirs) for theirs, ours in renamed.items()},
            subject=self.subject(),
        )


def given(name: str, value: str | None) -> Inputs:
    """An input that is left out while it has no value."""
    return {} if value is None else {name: value}

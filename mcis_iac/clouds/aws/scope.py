"""What all resources of one connection to AWS are made with."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mcis_iac.clouds.common.site import Site
from mcis_iac.model import Group, Mcis
from mcis_iac.program import naming
from mcis_iac.program.graph import Inputs, Options, Resource, Value

# The provider wants a region of its own; every resource names the one it is in.
HOME_REGION = "us-east-1"
TAG_KEY_LIMIT = 128
TAG_VALUE_LIMIT = 256
OURS = frozenset({"mcis", "mcis-namespace", "mcis-env", "mcis-group", "mcis-vm"})
_NOT_IN_TAGS = re.compile(r"[^\w\s.:/=+\-@]")


class Scope(Site):
    """One connection's part of a plan, and how its resources are declared."""

    PACKAGE = "aws"
    VERSION = "7.51.1"

    def regions(self, group: str) -> list[str]:
        """The regions a group has members in."""
        return sorted({member.region for member in self.members if member.group == group})

    def groups(self) -> list[Group]:
        """The groups with members here, by name."""
        return [self.mcis.groups[name] for name in sorted({member.group for member in self.members})]

    def regional(
        self,
        key: str,
        kind: str,
        region: str,
        inputs: Inputs,
        *,
        group: str | None = None,
        vm: str | None = None,
        outputs: tuple[str, ...] = (),
        options: Options | None = None,
    ) -> Resource:
        """A resource in a region, which each of them names; `kind` is its token without the package."""
        subject = self.subject(region, group, vm)
        return self.resource(
            key, kind, {"region": region, **inputs}, subject, outputs=outputs, options=options
        )

    def tags(self, key: str, group: str | None = None, vm: str | None = None) -> dict[str, Value]:
        """The tags of what has that key, `Name` among them: AWS has no other name for most things."""
        labels = self.mcis.groups[group].labels if group else {}
        return tags(self.mcis, key, group=group, vm=vm, labels=labels)

    def provider_resource(self) -> Resource:
        """The provider: where credentials come from, never the credentials.

        The two skips are what the typed package sets by itself.
        """
        settings = self.connection.settings
        inputs: Inputs = {
            "region": str(settings.get("region", HOME_REGION)),
            "skipCredentialsValidation": False,
            "skipRegionValidation": True,
        }
        if settings.get("profile"):
            inputs["profile"] = str(settings["profile"])
        if settings.get("role"):
            inputs["assumeRoles"] = [{"roleArn": str(settings["role"]), "sessionName": "mcis"}]
        return self.way_in(inputs)


def tags(
    mcis: Mcis, key: str, *, group: str | None, vm: str | None, labels: Mapping[str, str]
) -> dict[str, Value]:
    """Our tags and the user's labels in AWS's characters and lengths; a label hides none of ours."""
    whole = naming.tags(mcis, group=group, vm=vm, labels=labels)
    ours = {name: value for name, value in whole.items() if name in OURS}
    theirs = {tag_key(name): tag_value(whole[name]) for name in sorted(whole.keys() - ours.keys())}
    return {**theirs, **ours, "Name": naming.cloud_name(mcis, key)}


def tag_key(text: str) -> str:
    """A label's name as a tag's; the prefix `aws:` is Amazon's own."""
    fitting = _NOT_IN_TAGS.sub("_", text)[:TAG_KEY_LIMIT]
    return f"_{fitting}"[:TAG_KEY_LIMIT] if fitting.lower().startswith("aws:") else fitting


def tag_value(text: str) -> str:
    """A label's value as a tag's."""
    return _NOT_IN_TAGS.sub("_", text)[:TAG_VALUE_LIMIT]

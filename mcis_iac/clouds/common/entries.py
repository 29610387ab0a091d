"""The entry of a machine in the `inventory` output."""

from __future__ import annotations

from collections.abc import Mapping

from mcis_iac.model import Member, Plan
from mcis_iac.program.graph import Ref, Value


def entry(
    plan: Plan, member: Member, *, private_ip: Value, public_ip: Value, **more: Value
) -> Mapping[str, Value]:
    """What every cloud tells of a member, with what only this one does or tells in another way."""
    host_key = plan.host_keys.get(member.name)
    return {
        "group": member.group,
        "ordinal": member.ordinal,
        "connection": member.connection,
        "cloud": member.cloud,
        "region": member.region,
        "zone": member.zone,
        "type": member.type,
        "id": Ref(member.name),
        "private_ip": private_ip,
        "public_ip": public_ip,
        "user": member.user or plan.mcis.groups[member.group].user,
        "host_key": host_key.public if host_key else None,
        **more,
    }

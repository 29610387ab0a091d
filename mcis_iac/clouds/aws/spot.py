"""Spot requests, which outlive their machines and start others.

Spot machines have persistent requests, as only theirs can be stopped. Such a request is there until it
expires or is cancelled, and when its machine is terminated it starts another; cancelling it terminates
nothing (EC2 user guide, "Cancel a Spot Instance request"; `SpotRequestType` in the AWS CDK's reference).

The provider does not take care of that: terraform-provider-aws, which it is made of, destroys an
`aws_instance` with persistent `instance_market_options` and leaves the request behind (its issue 38142
for 5.55, pull request 41206 for 5.84). In which version that ends was not to be found out, so nothing
here counts on it: a request that is cancelled already is not open.

What a machine is tagged with is neither on its request nor on the machines that this starts later. So a
request is ours when it has our tags after all, when a machine of ours came from it (which EC2 tells for
an hour after its end), or when all it starts would be in security groups of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcis_iac.clouds.aws import kinds
from mcis_iac.clouds.base import Found

ID = "SpotInstanceRequestId"
OPEN = {"Name": "state", "Values": ["open", "active", "disabled"]}


def lingering(client: Any, ours: Mapping[str, Mapping[str, str]]) -> Iterator[Found]:
    """Open requests of ours without a living machine of ours; those of living ones go with them.

    `ours` are the tags of everything of ours in the region, by id, terminated machines included.
    """
    if not ours:
        return
    machines = list(kinds.INSTANCE.rows(client, list(ours)))
    alive = [machine for machine in machines if machine["State"]["Name"] in kinds.ALIVE]
    busy = {machine[field] for machine in alive for field in (ID, "InstanceId") if machine.get(field)}
    came_from = {machine[ID]: machine["InstanceId"] for machine in machines if machine.get(ID)}
    for request in _asked(client, OPEN):
        id, started = request[ID], request.get("InstanceId")
        if id in busy or started in busy:
            continue
        known_by = (id, came_from.get(id), started, _group(request, ours))
        whose = next((each for each in known_by if each in ours), None)
        if whose is not None:
            yield Found(kind=kinds.SPOT_REQUEST, id=id, name=id, tags=ours[whose])


def of_machines(client: Any, ids: Sequence[str]) -> list[str]:
    """The open requests those machines come from."""
    told = {machine.get(ID) for machine in kinds.INSTANCE.rows(client, ids)}
    requests = _asked(client, OPEN)
    return [each[ID] for each in requests if each[ID] in told or each.get("InstanceId") in ids]


def started(client: Any, ids: Sequence[str]) -> set[str]:
    """The living machines those requests have started."""
    chosen = {"Name": "spot-instance-request-id", "Values": list(ids)}
    machines = [each["InstanceId"] for each in _asked(client, chosen) if each.get("InstanceId")]
    return {id for id, _ in kinds.INSTANCE.alive(client, machines)}


def _asked(client: Any, *filters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return kinds.asked(client, "describe_spot_instance_requests", ("SpotInstanceRequests",), filters)


def _group(request: Mapping[str, Any], ours: Mapping[str, Any]) -> str | None:
    """A security group of ours, if all that the request names are."""
    launch = request.get("LaunchSpecification", {})
    groups = [group["GroupId"] for group in launch.get("SecurityGroups", ())]
    groups += [group for each in launch.get("NetworkInterfaces", ()) for group in each.get("Groups", ())]
    return groups[0] if groups and all(group in ours for group in groups) else None

"""Deleting on EC2 in the order that works: what uses something else goes first.

What is gone already counts as deleted, so an interrupted sweep can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcis_iac.clouds.aws import spot
from mcis_iac.clouds.aws.credentials import error_code
from mcis_iac.clouds.aws.kinds import ORDER, SPOT_REQUEST
from mcis_iac.clouds.base import Found

PATIENCE = {"Delay": 5, "MaxAttempts": 120}


def delete(client: Any, found: Sequence[Found]) -> None:
    """Delete those things, all of one region."""
    for kind in ORDER:
        ids = [each.id for each in found if each.kind == kind]
        if ids:
            _KINDS[kind](client, ids)


def _each(
    call: Callable[[Any, str], object], before: Callable[[Any, str], None] | None = None
) -> Callable[[Any, Sequence[str]], None]:
    def run(client: Any, ids: Sequence[str]) -> None:
        for id in ids:
            if before:
                _unless_gone(before, client, id)
            _unless_gone(call, client, id)

    return run


def _unless_gone(call: Callable[[Any, str], object], client: Any, id: str) -> None:
    try:
        call(client, id)
    except Exception as error:
        if not _is_gone(error_code(error)):
            raise


def _is_gone(code: str) -> bool:
    return ".NotFound" in code or code.endswith("NotFound")


def _instances(client: Any, ids: Sequence[str]) -> None:
    cancel(client, ids)
    _terminate(client, ids)


def cancel(client: Any, ids: Sequence[str]) -> None:
    """Cancel the spot requests that those machines come from."""
    _cancel(client, spot.of_machines(client, ids))


def _terminate(client: Any, ids: Sequence[str]) -> None:
    # One unknown id among several and nothing is terminated.
    for id in ids:
        _unless_gone(lambda c, i: c.terminate_instances(InstanceIds=[i]), client, id)
    client.get_waiter("instance_terminated").wait(
        Filters=[{"Name": "instance-id", "Values": list(ids)}], WaiterConfig=PATIENCE
    )


def _spot_requests(client: Any, ids: Sequence[str]) -> None:
    """Cancelled first, and looked at again: meanwhile one may have started a machine."""
    machines = spot.started(client, ids)
    _cancel(client, ids)
    machines |= spot.started(client, ids)
    if machines:
        _terminate(client, sorted(machines))


_cancel = _each(lambda c, i: c.cancel_spot_instance_requests(SpotInstanceRequestIds=[i]))


def _gateways(client: Any, ids: Sequence[str]) -> None:
    for id in ids:
        _unless_gone(lambda c, i: c.delete_nat_gateway(NatGatewayId=i), client, id)
    client.get_waiter("nat_gateway_deleted").wait(
        Filters=[{"Name": "nat-gateway-id", "Values": list(ids)}], WaiterConfig=PATIENCE
    )


def _security_groups(client: Any, ids: Sequence[str]) -> None:
    """Groups that name each other cannot go one by one: first the rules."""
    groups = client.describe_security_groups(Filters=[{"Name": "group-id", "Values": list(ids)}])
    for group in groups["SecurityGroups"]:
        if group["IpPermissions"]:
            client.revoke_security_group_ingress(
                GroupId=group["GroupId"], IpPermissions=group["IpPermissions"]
            )
    _each(lambda c, i: c.delete_security_group(GroupId=i))(client, ids)


def _leave(client: Any, id: str) -> None:
    """Take a route table off its subnets."""
    for table in client.describe_route_tables(RouteTableIds=[id])["RouteTables"]:
        for association in table.get("Associations", ()):
            if not association.get("Main"):
                client.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])


def _detach(client: Any, id: str) -> None:
    """Take an internet gateway off its VPC."""
    for gateway in client.describe_internet_gateways(InternetGatewayIds=[id])["InternetGateways"]:
        for attachment in gateway.get("Attachments", ()):
            client.detach_internet_gateway(InternetGatewayId=id, VpcId=attachment["VpcId"])


_KINDS: Mapping[str, Callable[[Any, Sequence[str]], None]] = {
    SPOT_REQUEST: _spot_requests,
    "instance": _instances,
    "volume": _each(lambda c, i: c.delete_volume(VolumeId=i)),
    "natgateway": _gateways,
    "elastic-ip": _each(lambda c, i: c.release_address(AllocationId=i)),
    "security-group": _security_groups,
    "subnet": _each(lambda c, i: c.delete_subnet(SubnetId=i)),
    "route-table": _each(lambda c, i: c.delete_route_table(RouteTableId=i), before=_leave),
    "internet-gateway": _each(lambda c, i: c.delete_internet_gateway(InternetGatewayId=i), before=_detach),
    "vpc": _each(lambda c, i: c.delete_vpc(VpcId=i)),
    "key-pair": _each(lambda c, i: c.delete_key_pair(KeyName=i)),
}

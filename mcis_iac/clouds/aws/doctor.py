"""Whether AWS can be used: who we are, what we may do, and whether a manifest fits the quotas.

Nothing is changed: permissions are asked for with EC2's dry runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mcis_iac.clouds.aws import catalog, quotas
from mcis_iac.clouds.aws.credentials import REFUSED, Access, error_code, translated
from mcis_iac.clouds.base import Check, Demand
from mcis_iac.errors import McisError
from mcis_iac.model import Connection

ALLOWED, DENIED = "DryRunOperation", frozenset({"UnauthorizedOperation", "AccessDenied"})
NEEDED: Mapping[str, Callable[[Any], object]] = {
    "ec2:CreateVpc": lambda ec2: ec2.create_vpc(CidrBlock="10.0.0.0/20", DryRun=True),
    "ec2:CreateInternetGateway": lambda ec2: ec2.create_internet_gateway(DryRun=True),
    "ec2:CreateSecurityGroup": lambda ec2: ec2.create_security_group(
        GroupName="mcis-doctor", Description="never made", DryRun=True
    ),
    "ec2:ImportKeyPair": lambda ec2: ec2.import_key_pair(
        KeyName="mcis-doctor", PublicKeyMaterial=b"ssh-ed25519 AAAA", DryRun=True
    ),
    "ec2:AllocateAddress": lambda ec2: ec2.allocate_address(Domain="vpc", DryRun=True),
    "ec2:RunInstances": lambda ec2: ec2.run_instances(
        ImageId="ami-00000000000000000", InstanceType="t3.micro", MinCount=1, MaxCount=1, DryRun=True
    ),
    "ec2:DescribeInstances": lambda ec2: ec2.describe_instances(DryRun=True),
}


def check(connection: Connection, demands: Sequence[Demand]) -> Iterator[Check]:
    """Credentials first; permissions and quotas per region only when those work. Raises nothing."""
    try:
        access = Access(connection)
        with translated(connection):
            identity = access.client("sts").get_caller_identity()
    except McisError as error:
        yield _failed("credentials", error)
        return
    yield Check(topic="credentials", ok=True, found=str(identity["Arn"]))
    for region in sorted({demand.region for demand in demands}):
        yield from _region(access, region, [each for each in demands if each.region == region])


def _failed(topic: str, error: McisError) -> Check:
    return Check(topic=topic, ok=False, found=error.summary, why=error.detail, hint=error.hint)


def _region(access: Access, region: str, demands: Sequence[Demand]) -> Iterator[Check]:
    try:
        with translated(access.connection):
            yield _permissions(access, region)
    except McisError as error:
        yield _failed(region, error)
        return
    demands = [_told(access, demand) for demand in demands]
    for quota in quotas.QUOTAS:
        wanted = sum(quota.wanted(demand) for demand in demands)
        if wanted:
            yield _quota(access, region, quota, wanted)
    types = sorted({each for demand in demands for each in demand.types})
    if types:
        yield from _types(access, region, types)


def _told(access: Access, demand: Demand) -> Demand:
    """With the processors of types that only AWS knows; of one that is not there `_types` tells."""
    if not demand.uncounted:
        return demand
    named = [{"Name": "instance-type", "Values": [name for name, _ in demand.uncounted]}]
    try:
        with translated(access.connection):
            pages = access.client("ec2", demand.region).get_paginator("describe_instance_types")
            rows = [row for page in pages.paginate(Filters=named) for row in page["InstanceTypes"]]
    except McisError:
        return demand
    return demand.told({str(row["InstanceType"]): int(row["VCpuInfo"]["DefaultVCpus"]) for row in rows})


def _types(access: Access, region: str, types: Sequence[str]) -> Iterator[Check]:
    """Whether every zone has the types: VMs without a zone of their own take the zones in turn."""
    named = [{"Name": "instance-type", "Values": list(types)}]
    try:
        with translated(access.connection):
            pages = access.client("ec2", region).get_paginator("describe_instance_type_offerings")
            asked = pages.paginate(LocationType="availability-zone", Filters=named)
            rows = [row for page in asked for row in page["InstanceTypeOfferings"]]
    except McisError as error:
        yield _failed(f"types in {region}", error)
        return
    offered = {(row["InstanceType"], str(row["Location"]).removeprefix(region)) for row in rows}
    # Where mcis knows no zones VMs are in those that are pinned: then it is enough that it is offered.
    zones = catalog.zones(region) or sorted({zone for _, zone in offered}) or ("a",)
    for each in types:
        missing = [zone for zone in zones if (each, zone) not in offered]
        nowhere = len(missing) == len(zones)
        hint = "choose another type" if nowhere else "pin `zone:`, or choose another type"
        yield Check(
            topic=f"{each} in {region}",
            ok=not missing,
            found=f"not in zone {', '.join(missing)}" if missing else f"in zones {', '.join(zones)}",
            hint=hint if missing else "",
        )


def _permissions(access: Access, region: str) -> Check:
    ec2 = access.client("ec2", region)
    denied = [action for action, ask in NEEDED.items() if _denied(ask, ec2)]
    return Check(
        topic=f"permissions in {region}",
        ok=not denied,
        found=f"{len(NEEDED) - len(denied)} of {len(NEEDED)} asked for are given",
        why=f"denied: {', '.join(denied)}" if denied else "",
        hint="have them added to the role or user" if denied else "",
    )


def _denied(ask: Callable[[Any], object], ec2: Any) -> bool:
    try:
        ask(ec2)
    except Exception as error:
        code = error_code(error)
        if code in DENIED:
            return True
        # What else EC2 says it says after it has looked at the permission, but for who we are.
        if not code or code in REFUSED:
            raise
    return False


def _quota(access: Access, region: str, quota: quotas.Quota, wanted: float) -> Check:
    topic = f"{quota.what} in {region}"
    try:
        with translated(access.connection):
            limit, used = _limit(access, region, quota), quota.used(access.client("ec2", region))
    except McisError as error:
        return Check(topic=topic, ok=True, found=f"{wanted:g} wanted, limit not known", why=error.detail)
    fits = used + wanted <= limit
    return Check(
        topic=topic,
        ok=fits,
        found=f"{wanted:g} wanted, {used:g} of {limit:g} in use",
        why="" if fits else "what of this MCIS runs already is counted twice",
        hint=""
        if fits
        else f"aws service-quotas request-service-quota-increase --service-code {quota.service} "
        f"--quota-code {quota.code} --desired-value {used + wanted:g} --region {region}",
    )


def _limit(access: Access, region: str, quota: quotas.Quota) -> float:
    """The account's limit; the default one where the account has none of its own."""
    limits = access.client("service-quotas", region)
    try:
        answer = limits.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)
    except Exception as error:
        if error_code(error) != "NoSuchResourceException":
            raise
        answer = limits.get_aws_default_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)
    return float(answer["Quota"]["Value"])

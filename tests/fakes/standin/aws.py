"""AWS, as far as its plugin shows it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fakes.standin.kinds import Kind, Maker, Refused, Tie, inside
from fakes.standin.store import LOOSE, OWNED, Store, Thing, at

EC2 = "aws:ec2/"
VPC, SUBNET, INSTANCE = f"{EC2}vpc:Vpc", f"{EC2}subnet:Subnet", f"{EC2}instance:Instance"
GROUP, EIP, TABLE = f"{EC2}securityGroup:SecurityGroup", f"{EC2}eip:Eip", f"{EC2}routeTable:RouteTable"
GATEWAY, NAT, KEY = (
    f"{EC2}internetGateway:InternetGateway",
    f"{EC2}natGateway:NatGateway",
    f"{EC2}keyPair:KeyPair",
)
VOLUME = "aws:ebs/volume:Volume"
ASKED_ONCE = "associatePublicIpAddress"
USER_DATA_LIMIT = 16_384


def account(config: Mapping[str, Any], env: Mapping[str, str]) -> str:
    """The account number behind the credentials the provider was given."""
    secret = config.get("secretKey") or env.get("AWS_SECRET_ACCESS_KEY")
    found = (
        secret or config.get("profile") or env.get("AWS_PROFILE") or env.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    )
    if not found:
        raise Refused(said="No valid credential sources found. Please see the AWS provider's documentation.")
    role = str(config.get("assumeRoles") or "")
    return str(10**11 + int(hashlib.sha256(f"{found}{role}".encode()).hexdigest(), 16) % (9 * 10**11))


def scope(account: str, inputs: Mapping[str, Any], region: str) -> str:
    """Things of one region never meet those of another."""
    return f"{account} {inputs.get('region') or region}"


def _common(maker: Maker, kind: str, more: Mapping[str, Any]) -> Mapping[str, Any]:
    region = maker.inputs.get("region") or maker.account.region
    arn = maker.text(f"arn:aws:ec2:{region}:{maker.account.name}:{kind}/", maker.id)
    shared = {"arn": arn, "region": region, "tagsAll": maker.inputs.get("tags") or {}}
    return {**shared, **more}


def _new(prefix: str) -> Any:
    return lambda maker: maker.hex(prefix)


def _plain(kind: str, *owner: str) -> Any:
    def outputs(maker: Maker) -> Mapping[str, Any]:
        return _common(maker, kind, dict.fromkeys(owner, maker.account.name))

    return outputs


def _vpc(maker: Maker) -> Mapping[str, Any]:
    more = {
        "ownerId": maker.account.name,
        "defaultSecurityGroupId": maker.once("defaultSecurityGroupId", lambda: maker.hex("sg-")),
        "mainRouteTableId": maker.once("mainRouteTableId", lambda: maker.hex("rtb-")),
        "dhcpOptionsId": maker.once("dhcpOptionsId", lambda: maker.hex("dopt-")),
        "instanceTenancy": maker.inputs.get("instanceTenancy", "default"),
    }
    return _common(maker, "vpc", more)


def _check_subnet(maker: Maker) -> None:
    vpc = maker.find(VPC, maker.inputs["vpcId"])
    cidr, zone = maker.inputs.get("cidrBlock"), str(maker.inputs.get("availabilityZone") or "")
    region = str(maker.inputs.get("region") or maker.account.region)
    if zone and not zone.startswith(region):
        raise Refused(
            said=f"InvalidParameterValue: Value ({zone}) for parameter availabilityZone is invalid."
        )
    if vpc and cidr:
        inside(maker, at(vpc.inputs, "cidrBlock"), cidr, parent="vpcId", path="cidrBlock")


def _instance(maker: Maker) -> Mapping[str, Any]:
    subnet = maker.find(SUBNET, maker.inputs.get("subnetId"))
    home: Mapping[str, Any] = subnet.inputs if subnet else {}
    asked = maker.inputs.get(ASKED_ONCE, home.get("mapPublicIpOnLaunch"))
    public = maker.public_ip if asked else (lambda: "")
    more: dict[str, Any] = {
        "instanceState": maker.once("instanceState", lambda: "running"),
        "availabilityZone": maker.once("availabilityZone", lambda: home.get("availabilityZone", "")),
        "privateIp": maker.once("privateIp", lambda: maker.private_ip(str(home["cidrBlock"]))),
        "publicIp": maker.once("publicIp", public),
        "primaryNetworkInterfaceId": maker.once("primaryNetworkInterfaceId", lambda: maker.hex("eni-")),
        "ipv6Addresses": maker.inputs.get("ipv6Addresses") or [],
    }
    if "instanceMarketOptions" in maker.inputs:
        more["spotInstanceRequestId"] = maker.once("spotInstanceRequestId", lambda: maker.hex("sir-", 8))
    return _common(maker, "instance", more)


def _check_instance(maker: Maker) -> None:
    asked = maker.inputs
    image, kind = str(asked.get("ami")), str(asked.get("instanceType"))
    if not re.fullmatch(r"ami-([0-9a-f]{8}|[0-9a-f]{17})", image):
        raise Refused(said=f'InvalidAMIID.Malformed: Invalid id: "{image}" (expecting "ami-...")')
    if not re.fullmatch(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", kind):
        raise Refused(said=f"InvalidParameterValue: Invalid value '{kind}' for InstanceType.")
    if len(str(asked.get("userData") or "").encode()) > USER_DATA_LIMIT:
        raise Refused(said="InvalidParameterValue: User data is limited to 16384 bytes")


def _address(maker: Maker) -> Mapping[str, Any]:
    address = maker.once("publicIp", maker.public_ip)
    return _common(maker, "elastic-ip", {"allocationId": maker.id, "publicIp": address})


def _associated(maker: Maker) -> None:
    machine, address = maker.find(INSTANCE, maker.inputs.get("instanceId")), _its_address(maker)
    if machine and address:
        maker.store.change_outputs(machine, {"publicIp": address})


def _its_address(maker: Maker) -> Any:
    eip = maker.find(EIP, maker.inputs.get("allocationId"))
    return eip.outputs["publicIp"] if eip else None


def _dissociated(store: Store, thing: Thing) -> None:
    machine = store.get(thing.scope, INSTANCE, str(thing.inputs.get("instanceId")))
    if machine:
        store.change_outputs(machine, {"publicIp": ""})


def _rule_claim(maker: Maker) -> Iterator[str]:
    way = "in" if "Ingress" in maker.token else "out"
    what = {k: v for k, v in maker.inputs.items() if k not in {"tags", "description"}}
    yield f"rule {way} {sorted(what.items())}"


def _check_rule(maker: Maker) -> None:
    sources = ("cidrIpv4", "cidrIpv6", "referencedSecurityGroupId", "prefixListId")
    if sum(maker.inputs.get(each) is not None for each in sources) != 1:
        raise Refused(said=f"InvalidParameterCombination: exactly one of {', '.join(sources)} must be given")
    if maker.inputs.get("ipProtocol") == "-1" and "fromPort" in maker.inputs:
        raise Refused(said="InvalidParameterValue: ports may not be given with all protocols")


def _check_attachment(maker: Maker) -> None:
    machine, disk = (
        maker.find(INSTANCE, maker.inputs["instanceId"]),
        maker.find(VOLUME, maker.inputs["volumeId"]),
    )
    if machine and disk and machine.outputs["availabilityZone"] != disk.inputs["availabilityZone"]:
        raise Refused(
            said=f"InvalidVolume.ZoneMismatch: The volume '{disk.id}' is not in the instance's zone"
        )


def _rule(way: str) -> Kind:
    return Kind(
        id=_new("sgr-"),
        outputs=lambda m: _common(m, "security-group-rule", {"securityGroupRuleId": m.id}),
        ties=(
            Tie(path="securityGroupId", token=GROUP, how=OWNED, missing="InvalidGroup.NotFound: {}"),
            Tie(path="referencedSecurityGroupId", token=GROUP),
        ),
        claims=_rule_claim,
        refuse=_check_rule,
    )


KINDS: Mapping[str, Kind] = {
    VPC: Kind(id=_new("vpc-"), outputs=_vpc, must=("region", "cidrBlock")),
    SUBNET: Kind(
        id=_new("subnet-"),
        outputs=_plain("subnet", "ownerId"),
        ties=(Tie(path="vpcId", token=VPC, missing="InvalidVpcID.NotFound: The vpc ID '{}' does not exist"),),
        refuse=_check_subnet,
        must=("region", "availabilityZone"),
    ),
    GATEWAY: Kind(
        id=_new("igw-"), outputs=_plain("internet-gateway", "ownerId"), ties=(Tie(path="vpcId", token=VPC),)
    ),
    f"{EC2}egressOnlyInternetGateway:EgressOnlyInternetGateway": Kind(
        id=_new("eigw-"), outputs=_plain("egress-only-internet-gateway"), ties=(Tie(path="vpcId", token=VPC),)
    ),
    TABLE: Kind(
        id=_new("rtb-"), outputs=_plain("route-table", "ownerId"), ties=(Tie(path="vpcId", token=VPC),)
    ),
    f"{EC2}route:Route": Kind(
        id=lambda m: m.text("r-", m.inputs["routeTableId"], m.number()) if not m.preview else m.number(),
        outputs=lambda m: {"origin": "CreateRoute", "state": "active"},
        ties=(
            Tie(path="routeTableId", token=TABLE, how=OWNED),
            Tie(path="gatewayId", token=GATEWAY, how=LOOSE),
            Tie(path="natGatewayId", token=NAT, how=LOOSE),
        ),
        claims=lambda m: [
            f"route {m.inputs['routeTableId']} "
            f"{m.inputs.get('destinationCidrBlock') or m.inputs.get('destinationIpv6CidrBlock')}"
        ],
    ),
    f"{EC2}routeTableAssociation:RouteTableAssociation": Kind(
        id=_new("rtbassoc-"),
        ties=(Tie(path="routeTableId", token=TABLE), Tie(path="subnetId", token=SUBNET, how=OWNED)),
        claims=lambda m: [f"association {m.inputs.get('subnetId')}"],
    ),
    GROUP: Kind(
        id=_new("sg-"),
        outputs=_plain("security-group", "ownerId"),
        ties=(Tie(path="vpcId", token=VPC),),
        claims=lambda m: [f"group {m.inputs.get('vpcId')} {m.inputs.get('name')}"],
        must=("name", "vpcId", "region"),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule("in"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule("out"),
    KEY: Kind(
        id=lambda m: m.inputs["keyName"],
        outputs=lambda m: _common(m, "key-pair", {"keyPairId": m.once("keyPairId", lambda: m.hex("key-"))}),
        claims=lambda m: [f"key {m.inputs['keyName']}"],
        must=("keyName", "region"),
    ),
    INSTANCE: Kind(
        id=_new("i-"),
        outputs=_instance,
        ties=(
            Tie(
                path="subnetId",
                token=SUBNET,
                missing="InvalidSubnetID.NotFound: The subnet ID '{}' does not exist",
            ),
            Tie(
                path="vpcSecurityGroupIds",
                token=GROUP,
                missing="InvalidGroup.NotFound: The security group '{}' does not exist",
            ),
            Tie(
                path="keyName",
                token=KEY,
                how=LOOSE,
                missing="InvalidKeyPair.NotFound: The key pair '{}' does not exist",
            ),
        ),
        refuse=_check_instance,
        must=("ami", "instanceType", "region"),
    ),
    EIP: Kind(id=_new("eipalloc-"), outputs=_address, handles=("publicIp",), must=("region",)),
    f"{EC2}eipAssociation:EipAssociation": Kind(
        id=_new("eipassoc-"),
        outputs=lambda m: {"publicIp": m.once("publicIp", lambda: _its_address(m))},
        ties=(Tie(path="allocationId", token=EIP), Tie(path="instanceId", token=INSTANCE, how=OWNED)),
        claims=lambda m: [f"address {m.inputs.get('allocationId')}"],
        made=_associated,
        gone=_dissociated,
    ),
    NAT: Kind(
        id=_new("nat-"),
        outputs=lambda m: _common(
            m, "natgateway", {"publicIp": m.once("publicIp", lambda: _its_address(m) or "")}
        ),
        ties=(Tie(path="subnetId", token=SUBNET), Tie(path="allocationId", token=EIP)),
    ),
    VOLUME: Kind(id=_new("vol-"), outputs=_plain("volume"), must=("region", "size")),
    f"{EC2}volumeAttachment:VolumeAttachment": Kind(
        id=lambda m: m.hex("vai-", 10),
        ties=(Tie(path="instanceId", token=INSTANCE, how=OWNED), Tie(path="volumeId", token=VOLUME)),
        claims=lambda m: [
            f"device {m.inputs['instanceId']} {m.inputs['deviceName']}",
            f"disk {m.inputs['volumeId']}",
        ],
        refuse=_check_attachment,
    ),
}

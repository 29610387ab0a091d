"""Azure's resource manager, as far as the azure-native plugin shows it.

Ids are paths, compared without regard to case. What a path is made of (the group, the names) is an
input but no output: others refer to `id` or `name`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from typing import Any

from fakes.standin.kinds import Kind, Maker, Refused, Tie, inside
from fakes.standin.store import HOLDS, OWNED, at

from mcis_iac.local_cloud.plugin.values import UNKNOWN

NET, COMPUTE = "azure-native:network:", "azure-native:compute:"
GROUP, VNET, SUBNET = "azure-native:resources:ResourceGroup", f"{NET}VirtualNetwork", f"{NET}Subnet"
WALL, ADDRESS, CARD, NAT = (
    f"{NET}NetworkSecurityGroup", f"{NET}PublicIPAddress", f"{NET}NetworkInterface", f"{NET}NatGateway",
)  # fmt: skip
ROLE = f"{NET}ApplicationSecurityGroup"
TABLE, DISK, MACHINE = f"{NET}RouteTable", f"{COMPUTE}Disk", f"{COMPUTE}VirtualMachine"
API = {"resources": "2024-11-01", "network": "2024-05-01", "compute": "2024-11-01"}
CUSTOM_DATA_LIMIT = 65_535
# Some of them; the whole list is longer.
REFUSED_USERS = frozenset({"admin", "administrator", "console", "guest", "root", "sql", "test", "user"})


def account(config: Mapping[str, Any], env: Mapping[str, str]) -> str:
    """The subscription; with a client there must be a way to prove who it is."""
    found = config.get("subscriptionId") or env.get("ARM_SUBSCRIPTION_ID")
    if not found:
        raise Refused(said="a subscription ID must be configured when authenticating to Azure")
    client = config.get("clientId") or env.get("ARM_CLIENT_ID")
    ways = (
        "ARM_CLIENT_SECRET",
        "ARM_CLIENT_CERTIFICATE_PATH",
        "ARM_OIDC_TOKEN",
        "ARM_USE_OIDC",
        "ARM_USE_MSI",
    )
    chosen = [config.get(key) for key in ("clientSecret", "useOidc", "useMsi", "clientCertificatePath")]
    if client and not any((*chosen, *(env.get(way) for way in ways))):
        raise Refused(said="unable to build authorizer: no credential was given for the client")
    return str(found)


def scope(account: str, inputs: Mapping[str, Any], region: str) -> str:
    """One subscription."""
    return account


def _lower(_: Maker, value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _group_path(maker: Maker, name: Any) -> Any:
    return maker.text("/subscriptions/", maker.account.name, "/resourceGroups/", name)


def _under_group(kind: str, name: str) -> Any:
    def path(maker: Maker) -> Any:
        group = _group_path(maker, maker.inputs["resourceGroupName"])
        return maker.text(group, "/providers/Microsoft.", kind, "/", maker.inputs[name])

    return path


def _vnet_path(maker: Maker, name: Any) -> Any:
    group = _group_path(maker, maker.inputs["resourceGroupName"])
    return maker.text(group, "/providers/Microsoft.Network/virtualNetworks/", name)


def _wall_path(maker: Maker, name: Any) -> Any:
    group = _group_path(maker, maker.inputs["resourceGroupName"])
    return maker.text(group, "/providers/Microsoft.Network/networkSecurityGroups/", name)


def _named(name: str, kind: str, more: Any = None) -> Any:
    def outputs(maker: Maker) -> Mapping[str, Any]:
        found = {
            "name": maker.inputs[name],
            "type": f"Microsoft.{kind}",
            "provisioningState": "Succeeded",
            "azureApiVersion": API[maker.token.split(":")[1]],
        }
        return found | (more(maker) if more else {})

    return outputs


def _claim(maker: Maker) -> Iterable[str]:
    """An id can be made once: creating what is there already is refused by the plugin."""
    return [str(maker.id).lower()]


def _check_vnet(maker: Maker) -> None:
    """No range may be taken away from under a subnet."""
    ranges = [IPv4Network(each) for each in at(maker.inputs, "addressSpace.addressPrefixes")]
    for subnet in maker.store.things(SUBNET):
        inside = [IPv4Network(each) for each in at(subnet.inputs, "addressPrefix")]
        mine = str(maker.id).lower() == str(subnet.id).lower().rpartition("/subnets/")[0]
        if mine and not all(any(one.subnet_of(each) for each in ranges) for one in inside):
            raise Refused(
                said='Code="NetcfgSubnetRangeOutsideVnet" Message="Subnet '
                f"'{subnet.inputs['subnetName']}' is not valid because its IP address range is outside the "
                'IP address range of virtual network."'
            )


def _check_in_use(maker: Maker) -> None:
    """The range of a subnet stays as long as somebody has an address of it."""
    before = maker.store.get(maker.scope, SUBNET, str(maker.id))
    if before is None or before.inputs.get("addressPrefix") == maker.inputs.get("addressPrefix"):
        return
    if maker.store.users(maker.scope, SUBNET, before.id, HOLDS):
        raise Refused(
            said=f'Code="InUsePrefixCannotBeDeleted" Message="IpPrefix {before.inputs["addressPrefix"]} on '
            f'Subnet {before.inputs["subnetName"]} has active allocations and cannot be deleted."'
        )


def _check_subnet(maker: Maker) -> None:
    _check_in_use(maker)
    vnet = maker.find(VNET, _lower(maker, _vnet_path(maker, maker.inputs["virtualNetworkName"])))
    prefixes = [*at(maker.inputs, "addressPrefix"), *at(maker.inputs, "addressPrefixes")]
    ranges = list(at(vnet.inputs, "addressSpace.addressPrefixes")) if vnet else []
    for prefix in prefixes:
        inside(maker, ranges, prefix, parent="virtualNetworkName", path="addressPrefix")


def _check_wall(maker: Maker) -> None:
    taken: dict[tuple[str, int], str] = {}
    for rule in maker.inputs.get("securityRules") or []:
        place, name = (rule["direction"], rule["priority"]), str(rule.get("name"))
        if not 100 <= rule["priority"] <= 4096:
            raise Refused(
                said=f'Code="SecurityRuleInvalidPriority" Message="Priority of {name} is out of range"'
            )
        if place in taken:
            raise Refused(said=f'Code="SecurityRuleConflict" Message="{taken[place]} and {name} conflict"')
        taken[place] = name


def _address(maker: Maker) -> Mapping[str, Any]:
    return {"ipAddress": maker.once("ipAddress", maker.public_ip), **_guid(maker)}


def _card(maker: Maker) -> Mapping[str, Any]:
    before = {one.get("name"): one for one in maker.olds.get("ipConfigurations") or []}
    configurations = []
    for asked in maker.inputs.get("ipConfigurations") or []:
        old = before.get(asked.get("name"), {})
        address = asked.get("privateIPAddress") or old.get("privateIPAddress") or _inner(maker, asked)
        configurations.append({**asked, "privateIPAddress": address})
    mac = maker.once("macAddress", lambda: "00-0D-3A-" + maker.hex("", 6).upper())
    return {"ipConfigurations": configurations, "macAddress": mac}


def _inner(maker: Maker, asked: Mapping[str, Any]) -> Any:
    if maker.preview:
        return UNKNOWN
    (link,) = at(asked, "subnet.id")
    subnet = maker.find(SUBNET, _lower(maker, link))
    prefixes = [*at(subnet.inputs, "addressPrefix"), *at(subnet.inputs, "addressPrefixes")] if subnet else []
    return maker.private_ip(str(prefixes[0])) if prefixes else UNKNOWN


def _check_address(maker: Maker) -> None:
    sku = next(at(maker.inputs, "sku.name"), "Basic")
    if sku == "Standard" and maker.inputs.get("publicIPAllocationMethod") != "Static":
        raise Refused(
            said='Code="StandardSkuPublicIPAddressesMustBeStatic" Message="Standard sku must be Static"'
        )


def _card_claims(maker: Maker) -> Iterable[str]:
    links = at(maker.inputs, "ipConfigurations.publicIPAddress.id")
    return [str(maker.id).lower(), *(f"address {link.lower()}" for link in links)]


def _machine(maker: Maker) -> Mapping[str, Any]:
    return {
        "vmId": maker.once("vmId", maker.uuid),
        "timeCreated": maker.once("timeCreated", lambda: "2026-01-01T00:00:00.0000000+00:00"),
    }


def _machine_claims(maker: Maker) -> Iterable[str]:
    links = at(maker.inputs, "networkProfile.networkInterfaces.id")
    return [str(maker.id).lower(), *(f"card {link.lower()}" for link in links)]


def _check_machine(maker: Maker) -> None:
    profile = maker.inputs.get("osProfile") or {}
    user = str(profile.get("adminUsername"))
    if user.lower() in REFUSED_USERS or len(user) > 64:
        raise Refused(
            said=f'Code="InvalidParameter" Message="The Admin Username specified is not allowed: {user}"'
        )
    try:
        data = base64.b64decode(str(profile.get("customData") or ""), validate=True)
    except binascii.Error:
        raise Refused(
            said='Code="InvalidParameter" Message="Custom data must be in Base64 encoding."'
        ) from None
    if len(data) > CUSTOM_DATA_LIMIT:
        raise Refused(said='Code="InvalidParameter" Message="Custom data is limited to 65535 bytes"')
    for path in at(profile, "linuxConfiguration.ssh.publicKeys.path"):
        if path != f"/home/{user}/.ssh/authorized_keys":
            raise Refused(
                said=f'Code="InvalidParameter" Message="Destination path for SSH public keys: {path}"'
            )
    _check_image(maker)


def _check_image(maker: Maker) -> None:
    image = next(at(maker.inputs, "storageProfile.imageReference"), {})
    named = [image.get(part) for part in ("publisher", "offer", "sku", "version")]
    if not image.get("id") and not (all(named) and re.fullmatch(r"latest|\d+\.\d+\.\d+", str(named[3]))):
        raise Refused(said=f'Code="InvalidParameter" Message="The image reference is invalid: {image}"')


IN_GROUP = Tie(
    path="resourceGroupName", token=GROUP, how=OWNED,
    handle=lambda m, name: _lower(m, _group_path(m, name)),
    missing="Code=\"ResourceGroupNotFound\" Message=\"Resource group '{}' could not be found.\"",
)  # fmt: skip


def _to(path: str, token: str) -> Tie:
    missing = 'Code="InvalidResourceReference" Message="Resource {} referenced by resource was not found."'
    return Tie(path=path, token=token, handle=_lower, missing=missing)


def _kind(kind: str, name: str, *ties: Tie, more: Any = None, **rest: Any) -> Kind:
    defaults: dict[str, Any] = {"claims": _claim, "must": (name, "location")}
    return Kind(
        id=_under_group(kind, name),
        outputs=_named(name, kind, more),
        ties=(IN_GROUP, *ties),
        handles=("#lower",),
        **(defaults | rest),
    )


def _guid(maker: Maker) -> Mapping[str, Any]:
    return {"resourceGuid": maker.once("resourceGuid", maker.uuid)}


KINDS: Mapping[str, Kind] = {
    GROUP: Kind(
        id=lambda m: _group_path(m, m.inputs["resourceGroupName"]),
        outputs=_named("resourceGroupName", "Resources/resourceGroups"),
        handles=("#lower",),
        claims=_claim,
        must=("resourceGroupName", "location"),
    ),
    VNET: _kind("Network/virtualNetworks", "virtualNetworkName", more=_guid, refuse=_check_vnet),
    SUBNET: Kind(
        id=lambda m: m.text(
            _vnet_path(m, m.inputs["virtualNetworkName"]), "/subnets/", m.inputs["subnetName"]
        ),
        outputs=_named("subnetName", "Network/virtualNetworks/subnets"),
        handles=("#lower",),
        claims=_claim,
        must=("subnetName",),
        refuse=_check_subnet,
        ties=(
            IN_GROUP,
            Tie(
                path="virtualNetworkName",
                token=VNET,
                how=OWNED,
                handle=lambda m, name: _lower(m, _vnet_path(m, name)),
            ),
            _to("networkSecurityGroup.id", WALL),
            _to("natGateway.id", NAT),
            _to("routeTable.id", TABLE),
        ),
    ),
    WALL: _kind("Network/networkSecurityGroups", "networkSecurityGroupName", more=_guid, refuse=_check_wall),
    f"{NET}SecurityRule": Kind(
        id=lambda m: m.text(
            _wall_path(m, m.inputs["networkSecurityGroupName"]),
            "/securityRules/",
            m.inputs["securityRuleName"],
        ),
        outputs=_named("securityRuleName", "Network/networkSecurityGroups/securityRules"),
        handles=("#lower",),
        must=("securityRuleName",),
        claims=lambda m: [
            str(m.id).lower(),
            f"{m.inputs['networkSecurityGroupName']} {m.inputs['direction']} {m.inputs['priority']}",
        ],
        ties=(
            IN_GROUP,
            Tie(
                path="networkSecurityGroupName",
                token=WALL,
                how=OWNED,
                handle=lambda m, name: _lower(m, _wall_path(m, name)),
            ),
            _to("sourceApplicationSecurityGroups.id", ROLE),
            _to("destinationApplicationSecurityGroups.id", ROLE),
        ),
    ),
    ROLE: _kind("Network/applicationSecurityGroups", "applicationSecurityGroupName", more=_guid),
    TABLE: _kind("Network/routeTables", "routeTableName"),
    ADDRESS: _kind("Network/publicIPAddresses", "publicIpAddressName", more=_address, refuse=_check_address),
    NAT: _kind("Network/natGateways", "natGatewayName", _to("publicIpAddresses.id", ADDRESS), more=_guid),
    CARD: _kind(
        "Network/networkInterfaces",
        "networkInterfaceName",
        _to("ipConfigurations.subnet.id", SUBNET),
        _to("ipConfigurations.publicIPAddress.id", ADDRESS),
        _to("networkSecurityGroup.id", WALL),
        _to("ipConfigurations.applicationSecurityGroups.id", ROLE),
        more=_card,
        claims=_card_claims,
    ),
    DISK: _kind("Compute/disks", "diskName", more=lambda m: {"uniqueId": m.once("uniqueId", m.uuid)}),
    MACHINE: _kind(
        "Compute/virtualMachines",
        "vmName",
        _to("networkProfile.networkInterfaces.id", CARD),
        _to("storageProfile.dataDisks.managedDisk.id", DISK),
        more=_machine,
        claims=_machine_claims,
        refuse=_check_machine,
    ),
}

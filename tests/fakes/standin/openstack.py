"""An OpenStack cloud, as far as its plugin shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fakes.standin.kinds import Kind, Maker, Refused, Tie, inside
from fakes.standin.store import HOLDS, LOOSE, OWNED, at

from mcis_iac.local_cloud.plugin.values import UNKNOWN

NET, NOVA = "openstack:networking/", "openstack:compute/"
NETWORK, SUBNET, ROUTER = f"{NET}network:Network", f"{NET}subnet:Subnet", f"{NET}router:Router"
LINK, GROUP, PORT = f"{NET}routerInterface:RouterInterface", f"{NET}secGroup:SecGroup", f"{NET}port:Port"
FLOATING, SERVER, KEY = f"{NET}floatingIp:FloatingIp", f"{NOVA}instance:Instance", f"{NOVA}keypair:Keypair"
VOLUME = "openstack:blockstorage/volume:Volume"
UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
USER_DATA_LIMIT = 65_535
PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nmade-by-the-cloud\n-----END OPENSSH PRIVATE KEY-----\n"
ADMIN_PASSWORD = "stand-in-admin-password"


def account(config: Mapping[str, Any], env: Mapping[str, str]) -> str:
    """The cloud that clouds.yaml or the variables name."""
    url = config.get("authUrl") or env.get("OS_AUTH_URL")
    proofs = ("OS_PASSWORD", "OS_TOKEN", "OS_APPLICATION_CREDENTIAL_SECRET")
    given = [config.get("password"), config.get("token"), config.get("applicationCredentialSecret")]
    named = config.get("cloud") or env.get("OS_CLOUD")
    if not named and not (url and any((*given, *(env.get(proof) for proof in proofs)))):
        raise Refused(said="One of 'auth_url' or 'cloud' must be specified")
    return str(named or f"{url} {config.get('tenantName') or env.get('OS_PROJECT_NAME') or ''}".strip())


def scope(account: str, inputs: Mapping[str, Any], region: str) -> str:
    """Regions of one cloud share nothing but the names of accounts."""
    return f"{account} {inputs.get('region') or region}"


def _new(maker: Maker) -> Any:
    return maker.uuid()


def _common(maker: Maker, **more: Any) -> dict[str, Any]:
    region = maker.inputs.get("region") or maker.account.region
    tags = {"allTags": maker.inputs["tags"]} if "tags" in maker.inputs else {}
    return {"region": region, **tags, **more}


def _check_subnet(maker: Maker) -> None:
    if "cidr" in maker.inputs:
        inside(maker, (), maker.inputs["cidr"], parent="networkId", path="cidr")


def _port(maker: Maker) -> Mapping[str, Any]:
    address = maker.once("allFixedIps", lambda: [_inner(maker)])
    first = address if address is UNKNOWN else address[0]
    asked = maker.inputs.get("fixedIps") or []
    return _common(
        maker,
        allFixedIps=address,
        allSecurityGroupIds=maker.inputs.get("securityGroupIds") or [],
        fixedIps=[{"ipAddress": first, **each} for each in asked],
        macAddress=maker.once("macAddress", lambda: "fa:16:3e:" + maker.hex("", 6)),
    )


def _inner(maker: Maker) -> str:
    for link in at(maker.inputs, "fixedIps.subnetId"):
        subnet = maker.find(SUBNET, link)
        if subnet:
            return maker.private_ip(str(subnet.inputs["cidr"]))
    raise Refused(said="the port has no subnet")


def _server(maker: Maker) -> Mapping[str, Any]:
    networks = []
    for asked in maker.inputs.get("networks") or []:
        port = maker.find(PORT, asked.get("port"))
        address = port.outputs["allFixedIps"][0] if port else UNKNOWN
        networks.append({**asked, "fixedIpV4": address})
    first = networks[0]["fixedIpV4"] if networks else ""
    return _common(
        maker,
        networks=networks,
        accessIpV4=first,
        powerState=maker.once("powerState", lambda: "active"),
        allMetadata=maker.inputs.get("metadata") or {},
        adminPass=maker.once("adminPass", lambda: ADMIN_PASSWORD),
        created=maker.once("created", lambda: "2026-01-01T00:00:00Z"),
    )


def _check_server(maker: Maker) -> None:
    asked = maker.inputs
    image = asked.get("imageId") or next(at(asked, "blockDevices.uuid"), "")
    if not asked.get("imageName") and not UUID.fullmatch(str(image)):
        raise Refused(
            said=f"Expected HTTP response code [201 202] but got 400: Invalid imageRef '{image}' provided."
        )
    if not asked.get("flavorName") and not asked.get("flavorId"):
        raise Refused(said="One of flavor_name or flavor_id must be set")
    if len(str(asked.get("userData") or "").encode()) * 4 // 3 > USER_DATA_LIMIT:
        raise Refused(
            said="Expected HTTP response code [201 202] but got 400: User data is limited to 65535 bytes"
        )


def _association(maker: Maker) -> Any:
    found = maker.find(FLOATING, maker.inputs["floatingIp"])
    return found.id if found else UNKNOWN


def _reachable(maker: Maker) -> None:
    """A floating address needs a router between the port's subnet and the outside."""
    port = maker.find(PORT, maker.inputs["portId"])
    if port is None:
        return
    subnets = set(at(port.inputs, "fixedIps.subnetId"))
    for link in maker.store.things(LINK):
        router = maker.find(ROUTER, link.inputs["routerId"])
        if link.inputs.get("subnetId") in subnets and router and router.inputs.get("externalNetworkId"):
            return
    raise Refused(said=f"Error 404: External network is not reachable from subnet {sorted(subnets)}")


def _rule_claim(maker: Maker) -> Iterator[str]:
    yield f"rule {sorted((k, v) for k, v in maker.inputs.items() if k != 'description')}"


def _check_rule(maker: Maker) -> None:
    if maker.inputs.get("remoteIpPrefix") and maker.inputs.get("remoteGroupId"):
        raise Refused(said="Error 400: Only remote_ip_prefix or remote_group_id may be provided.")


TO_GROUP = "Security group {} does not exist"
KINDS: Mapping[str, Kind] = {
    NETWORK: Kind(id=_new, outputs=_common, must=("name",)),
    SUBNET: Kind(
        id=_new, outputs=_common, must=("name", "cidr"), refuse=_check_subnet,
        ties=(Tie(path="networkId", token=NETWORK, how=OWNED),),
    ),
    ROUTER: Kind(id=_new, outputs=_common, must=("name",)),
    LINK: Kind(
        id=_new, outputs=lambda m: _common(m, portId=m.once("portId", m.uuid)),
        ties=(Tie(path="routerId", token=ROUTER), Tie(path="subnetId", token=SUBNET)),
        claims=lambda m: [f"link {m.inputs['routerId']} {m.inputs.get('subnetId')}"],
    ),
    GROUP: Kind(id=_new, outputs=_common, must=("name",)),
    f"{NET}secGroupRule:SecGroupRule": Kind(
        id=_new, outputs=_common, claims=_rule_claim, refuse=_check_rule,
        ties=(
            Tie(path="securityGroupId", token=GROUP, how=OWNED, missing=TO_GROUP),
            Tie(path="remoteGroupId", token=GROUP, how=OWNED, missing=TO_GROUP),
        ),
    ),
    KEY: Kind(
        id=lambda m: m.inputs["name"],
        outputs=lambda m: _common(
            m, fingerprint=m.once("fingerprint", lambda: m.hex("", 32)), privateKey=PRIVATE_KEY
        ),
        claims=lambda m: [f"key {m.inputs['name']}"], must=("name",),
    ),
    PORT: Kind(
        id=_new, outputs=_port,
        ties=(
            Tie(path="networkId", token=NETWORK), Tie(path="fixedIps.subnetId", token=SUBNET),
            Tie(path="securityGroupIds", token=GROUP, missing=TO_GROUP),
        ),
    ),
    SERVER: Kind(
        id=_new, outputs=_server, refuse=_check_server, must=("name",),
        ties=(
            Tie(path="networks.port", token=PORT, how=LOOSE), Tie(path="networks.uuid", token=NETWORK),
            Tie(path="keyPair", token=KEY, how=LOOSE, missing="Invalid key_name provided: {}"),
        ),
        claims=lambda m: [f"port {port}" for port in at(m.inputs, "networks.port")],
    ),
    FLOATING: Kind(
        id=_new, outputs=lambda m: _common(m, address=m.once("address", m.public_ip)), handles=("address",),
        must=("pool",),
    ),
    f"{NET}floatingIpAssociate:FloatingIpAssociate": Kind(
        id=_association, outputs=_common, refuse=_reachable,
        ties=(
            Tie(path="floatingIp", token=FLOATING, how=OWNED), Tie(path="portId", token=PORT, how=OWNED),
        ),
    ),
    VOLUME: Kind(id=_new, outputs=_common, must=("name",)),
    f"{NOVA}volumeAttach:VolumeAttach": Kind(
        id=lambda m: m.text(m.inputs["instanceId"], "/", m.inputs["volumeId"]),
        outputs=lambda m: _common(m, device=m.once("device", lambda: "/dev/vdb")),
        ties=(Tie(path="instanceId", token=SERVER, how=OWNED), Tie(path="volumeId", token=VOLUME, how=HOLDS)),
        claims=lambda m: [f"disk {m.inputs['volumeId']}"],
    ),
    f"{NOVA}serverGroup:ServerGroup": Kind(id=_new, outputs=_common, must=("name",)),
}  # fmt: skip

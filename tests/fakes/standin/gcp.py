"""Google Cloud, as far as its plugin shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fakes.standin.kinds import Kind, Maker, Refused, Tie, inside
from fakes.standin.store import LOOSE, OWNED, at

from mcis_iac.local_cloud.plugin.values import UNKNOWN

GCE = "gcp:compute/"
NETWORK, SUBNET, ADDRESS = f"{GCE}network:Network", f"{GCE}subnetwork:Subnetwork", f"{GCE}address:Address"
INSTANCE, DISK, ROUTER = f"{GCE}instance:Instance", f"{GCE}disk:Disk", f"{GCE}router:Router"
API = "https://www.googleapis.com/compute/v1/"
NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_KEY, LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")


def account(config: Mapping[str, Any], env: Mapping[str, str]) -> str:
    """The project; somebody must have said who is asking, too."""
    names = ("GOOGLE_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN")
    given = [config.get("credentials"), config.get("accessToken"), *(env.get(name) for name in names)]
    if not any(given):
        raise Refused(said="google: could not find default credentials.")
    project = config.get("project") or env.get("GOOGLE_PROJECT") or env.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        raise Refused(said="project: required field is not set")
    return str(project)


def scope(account: str, inputs: Mapping[str, Any], region: str) -> str:
    """Names say themselves where they belong."""
    return str(inputs.get("project") or account)


def _path(maker: Maker, where: str, kind: str) -> Any:
    asked = maker.inputs
    if where == "global":
        return maker.text("projects/", maker.scope, "/global/", kind, "/", asked["name"])
    place = asked.get(where) or (maker.account.region if where == "region" else None)
    if place is None:
        raise Refused(said=f"{where}: required field is not set")
    return maker.text("projects/", maker.scope, f"/{where}s/", place, "/", kind, "/", asked["name"])


def _at(where: str, kind: str) -> Any:
    return lambda maker: _path(maker, where, kind)


def _common(maker: Maker, **more: Any) -> dict[str, Any]:
    found = {"project": maker.scope, "selfLink": maker.text(API, maker.id), **more}
    found["creationTimestamp"] = maker.once("creationTimestamp", lambda: "2026-01-01T00:00:00.000-08:00")
    if "labels" in maker.inputs:
        labels = maker.inputs["labels"]
        added = maker.account.config.get("addPulumiAttributionLabel") is not False
        mark = {"goog-pulumi-provisioned": "true"} if added else {}
        found |= {"effectiveLabels": {**labels, **mark}, "pulumiLabels": {**labels, **mark}}
    return found


def _numbered(key: str) -> Any:
    return lambda maker: _common(maker, **{key: maker.once(key, maker.number)})


def _check_names(maker: Maker) -> None:
    name = str(maker.inputs["name"])
    if not NAME.fullmatch(name):
        raise Refused(
            said=f'"name" ("{name}") doesn\'t match regexp "^(?:[a-z]([-a-z0-9]{{0,61}}[a-z0-9])?)$"'
        )
    for key, value in (maker.inputs.get("labels") or {}).items():
        if not LABEL_KEY.fullmatch(key) or not LABEL.fullmatch(str(value)):
            raise Refused(said=f"Error 400: Invalid value for field 'labels': '{key}={value}', invalid")


def _last(reference: Any) -> str:
    return str(reference).rpartition("/")[2]


def _check_subnet(maker: Maker) -> None:
    _check_names(maker)
    if "ipCidrRange" in maker.inputs:
        inside(maker, (), maker.inputs["ipCidrRange"], parent="network", path="ipCidrRange")


def _check_firewall(maker: Maker) -> None:
    _check_names(maker)
    if not {"allows", "denies"} & maker.inputs.keys():
        raise Refused(said="one of `allow,deny` must be specified")
    if maker.inputs.get("direction", "INGRESS") == "INGRESS" and not any(
        maker.inputs.get(each) for each in ("sourceRanges", "sourceTags", "sourceServiceAccounts")
    ):
        raise Refused(said="one of source_tags, source_ranges, or source_service_accounts must be defined")


def _interface(maker: Maker, number: int, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    old = next(iter((maker.olds.get("networkInterfaces") or [])[number : number + 1]), {})
    subnet = maker.find(SUBNET, asked.get("subnetwork"))
    inner = str(subnet.inputs["ipCidrRange"]) if subnet else "10.128.0.0/20"

    def kept(before: Mapping[str, Any], key: str, make: Any) -> Any:
        return before.get(key) or (UNKNOWN if maker.preview else make())

    outer = []
    for place, access in enumerate(asked.get("accessConfigs") or []):
        before = next(iter((old.get("accessConfigs") or [])[place : place + 1]), {})
        nat = access.get("natIp") or kept(before, "natIp", maker.public_ip)
        outer.append({"networkTier": "PREMIUM", **access, "natIp": nat})
    network = subnet.inputs["network"] if subnet else UNKNOWN
    inner_ip = kept(old, "networkIp", lambda: maker.private_ip(inner))
    return {
        "name": f"nic{number}",
        "network": network,
        **asked,
        "networkIp": inner_ip,
        "accessConfigs": outer,
    }


def _instance(maker: Maker) -> Mapping[str, Any]:
    asked = maker.inputs.get("networkInterfaces") or []
    cards = [_interface(maker, number, card) for number, card in enumerate(asked)]
    return _common(
        maker,
        networkInterfaces=cards,
        instanceId=maker.once("instanceId", maker.number),
        currentStatus=maker.once("currentStatus", lambda: "RUNNING"),
        cpuPlatform=maker.once("cpuPlatform", lambda: "Intel Broadwell"),
        metadataFingerprint=maker.once("metadataFingerprint", lambda: maker.hex("", 12)),
    )


def _check_instance(maker: Maker) -> None:
    _check_names(maker)
    zone = str(maker.inputs.get("zone"))
    for link in at(maker.inputs, "networkInterfaces.subnetwork"):
        subnet = maker.find(SUBNET, link)
        if subnet and subnet.inputs.get("region") != zone.rpartition("-")[0]:
            raise Refused(
                said=f"Error 400: Subnetwork {subnet.id} is not in the same region as zone {zone}, invalid"
            )
    for image in at(maker.inputs, "bootDisk.initializeParams.image"):
        if not re.fullmatch(r"([a-z0-9.:_-]+/)*[a-z]([-a-z0-9]*[a-z0-9])?|https://.*", str(image)):
            raise Refused(
                said=f"error resolving image name '{image}': Could not find image or family {image}"
            )
    for tag in maker.inputs.get("tags") or []:
        if not NAME.fullmatch(str(tag)):
            raise Refused(said=f"Error 400: Invalid value for field 'tags.items': '{tag}', invalid")


def _attachment_id(maker: Maker) -> Any:
    machine, disk = maker.inputs["instance"], maker.inputs["disk"]
    if machine is UNKNOWN or disk is UNKNOWN:
        return UNKNOWN
    zone = maker.inputs.get("zone") or str(machine).rpartition("/instances/")[0].rpartition("/")[2]
    return f"projects/{maker.scope}/zones/{zone}/instances/{_last(machine)}/{_last(disk)}"


def _check_attachment(maker: Maker) -> None:
    machine, disk = maker.find(INSTANCE, maker.inputs["instance"]), maker.find(DISK, maker.inputs["disk"])
    if machine and disk and machine.inputs.get("zone") != disk.inputs.get("zone"):
        raise Refused(said="Error 400: The disk must be in the same zone as the instance, invalid")


NAMED = ("selfLink", "name")
TO_NETWORK = Tie(
    path="network", token=NETWORK, missing="Error 404: The resource '{}' was not found, notFound"
)


def _named(maker: Maker) -> list[str]:
    """A name is taken once per project, kind and place: the id says all that."""
    return [f"{maker.token} {maker.id}"]


KINDS: Mapping[str, Kind] = {
    NETWORK: Kind(
        id=_at("global", "networks"),
        outputs=_numbered("numericId"),
        handles=NAMED,
        must=("name",),
        claims=_named,
        refuse=_check_names,
    ),
    SUBNET: Kind(
        id=_at("region", "subnetworks"),
        outputs=_numbered("subnetworkId"),
        handles=NAMED,
        must=("name", "region", "ipCidrRange"),
        claims=_named,
        refuse=_check_subnet,
        ties=(TO_NETWORK,),
    ),
    f"{GCE}firewall:Firewall": Kind(
        id=_at("global", "firewalls"),
        outputs=_common,
        handles=NAMED,
        must=("name",),
        claims=_named,
        refuse=_check_firewall,
        ties=(TO_NETWORK,),
    ),
    ADDRESS: Kind(
        id=_at("region", "addresses"),
        outputs=lambda m: _common(m, address=m.once("address", m.public_ip)),
        handles=(*NAMED, "address"),
        must=("name", "region"),
        claims=_named,
        refuse=_check_names,
    ),
    DISK: Kind(
        id=_at("zone", "disks"),
        outputs=_numbered("diskId"),
        handles=NAMED,
        must=("name", "zone"),
        claims=_named,
        refuse=_check_names,
    ),
    INSTANCE: Kind(
        id=_at("zone", "instances"),
        outputs=_instance,
        handles=NAMED,
        must=("name", "zone"),
        claims=_named,
        refuse=_check_instance,
        ties=(
            Tie(path="networkInterfaces.subnetwork", token=SUBNET),
            Tie(path="networkInterfaces.network", token=NETWORK),
            Tie(path="networkInterfaces.accessConfigs.natIp", token=ADDRESS),
        ),
    ),
    f"{GCE}attachedDisk:AttachedDisk": Kind(
        id=_attachment_id,
        claims=_named,
        refuse=_check_attachment,
        ties=(Tie(path="instance", token=INSTANCE, how=OWNED), Tie(path="disk", token=DISK)),
    ),
    ROUTER: Kind(
        id=_at("region", "routers"),
        outputs=_common,
        handles=NAMED,
        must=("name", "region"),
        claims=_named,
        refuse=_check_names,
        ties=(TO_NETWORK,),
    ),
    f"{GCE}routerNat:RouterNat": Kind(
        id=lambda m: m.text(m.scope, "/", m.inputs["region"], "/", m.inputs["router"], "/", m.inputs["name"]),
        must=("name", "region"),
        claims=_named,
        ties=(
            Tie(path="router", token=ROUTER, how=OWNED),
            Tie(path="natIps", token=ADDRESS),
            Tie(path="subnetworks.name", token=SUBNET, how=LOOSE),
        ),
    ),
    f"{GCE}route:Route": Kind(
        id=_at("global", "routes"), outputs=_common, must=("name",), claims=_named, ties=(TO_NETWORK,)
    ),
}

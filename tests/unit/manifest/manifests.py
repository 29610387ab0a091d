"""Manifests in memory, for tests: no file is read or written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from mcis_iac.manifest.load import Loaded, assemble
from mcis_iac.manifest.overlay import parse_sets
from mcis_iac.manifest.source import parse

HEAD = "version: 1\nname: edge\n"
HERE = "placement: {cloud: local, region: local-seoul}"
SMALL = f"{HEAD}groups:\n  web:\n    count: 3\n    {HERE}\n"

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdlbmVyYXRlZCBmb3IgYSB0ZXN0IG9ubHkhISEhISEh me@here"

EVERYTHING = f"""\
version: 1
namespace: shop
name: storefront
description: All of it
labels: {{team: platform}}
backend: file://.mcis/state
connections:
  here: {{cloud: local, site: lab, backend: plain}}
  shop: {{cloud: aws, role: "arn:aws:iam::123456789012:role/mcis", env: {{AWS_PROFILE: SHOP_PROFILE}}}}
  west: {{cloud: azure, subscription: one, auth: oidc, environment: china}}
  east: {{cloud: gcp, project: shop-eu, impersonate: mcis@shop}}
  lab:
    cloud: openstack
    external_network: {{RegionOne: public}}
    dns_servers: [9.9.9.9]
    volume_types: {{fast: nvme}}
keys:
  ops: {{public_key: {PUBLIC_KEY}, private_key_file: keys/ops, agent: true}}
images:
  base:
    local: {{host: true}}
    aws: {{name: base-*, owner: self}}
    azure: {{urn: "a:b:c:latest", plan: true}}
    gcp: {{family: base, project: pictures, cloud_init: true}}
    openstack: {{id: one}}
  own: {{local: {{dir: /srv/root}}}}
networks:
  main: {{cidr: 10.20.0.0/14}}
  back:
    existing:
      shop: {{ap-northeast-2: {{vpc: vpc-0abc, subnets: {{a: subnet-0abc}}}}}}
      west: {{koreacentral: {{resource_group: hub, vnet: corp, subnet: servers}}}}
      east: {{asia-northeast3: {{network: corp, subnetwork: seoul}}}}
      lab: {{RegionOne: {{network: one, subnet: two}}}}
firewalls:
  web:
    - {{ports: [80, "8000-8100"], from: [anywhere]}}
    - {{protocol: icmp, from: [me, "group:db", 192.0.2.0/24]}}
  none: []
defaults:
  image: base
  user: ops
  setup: {{packages: [curl]}}
groups:
  web:
    count: 2
    placement: {{cloud: local, region: local-seoul, zone: a, type: medium}}
    network: back
    firewall: [web, none]
    public_ip: static
    disk: {{size: 30GiB, type: fast}}
    disks: [{{name: data, size: 1TiB, mount: /data}}]
    setup:
      files: [{{path: /etc/motd, content: "hi\\n"}}]
      run: [date]
    labels: {{role: front}}
    protect: true
    power: suspended
    formerly: front
  db:
    image: own
    placement: {{connection: here, region: local-tokyo}}
    public_ip: false
on_failure: drop-failed
x-mine: anything
"""

FAMILIAR = """version name groups web placement cloud local region count firewalls ports from keys public_key
    public_key_file images networks cidr 10.0.0.0/8 disks mount size defaults connections labels setup files
    host dir x-a all web-1 anywhere ~"""
PIECES = st.sampled_from(FAMILIAR.split())
TREES = st.recursive(
    PIECES | st.integers(-1, 70000) | st.booleans() | st.none() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PIECES, inner, max_size=6),
    max_leaves=30,
)


def loaded(
    text: str, *, overlay: str | None = None, sets: Sequence[str] = (), folder: Path = Path("/nowhere")
) -> Loaded:
    """A manifest `mcis.yaml`, its overlay `prod.yaml` and `--set`, as `load` would give them."""
    sources = [parse(text, "mcis.yaml")]
    if overlay is not None:
        sources.append(parse(overlay, "prod.yaml"))
    if sets:
        sources.append(parse_sets(sets))
    return assemble(
        tuple(sources),
        env="prod" if overlay is not None else None,
        folder=folder,
        paths={"mcis.yaml": folder / "mcis.yaml", "prod.yaml": folder / "prod.yaml"},
    )


def codes(found: Loaded) -> list[str]:
    """The codes in order, without their common prefix."""
    return [diagnostic.code.removeprefix("MCIS") for diagnostic in found.diagnostics]


def only(found: Loaded, code: str):
    """The one diagnostic there is, which has that code."""
    assert codes(found) == [code]
    return found.diagnostics[0]


def marked(found: Loaded, diagnostic) -> str:
    """The text a diagnostic points at."""
    span = diagnostic.span
    return found.texts[span.file][span.index : span.end_index]

"""Every graph against the typed package of its cloud, and every secret where it belongs.

The packages are the providers' own word for what they take; nothing here is from tables of ours.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from fakes.clouds import CLOUDS, built, leaves, planned, regions_of, rich
from fakes.mcis import a_group, settled

from mcis_iac.clouds import registry
from mcis_iac.model import Disk, FirewallRule, HostKey, Mcis, Plan, Setup, SetupFile, Severity
from mcis_iac.program import render
from mcis_iac.program.build import build
from mcis_iac.program.graph import Join, Resource, Secret
from mcis_iac.program.types import problems

PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nthe-private-half-of-a-host-key\n-----END-----\n"


def spot(cloud: str) -> Mcis:
    mcis = rich(cloud)
    groups = {n: replace(g, placement=replace(g.placement, spot=True)) for n, g in mcis.groups.items()}
    wanted = replace(mcis, groups=groups)
    found = (*registry.graph(cloud).check(wanted), *settled(wanted).diagnostics)
    # Not every cloud has spot prices.
    return mcis if any(problem.severity is Severity.ERROR for problem in found) else wanted


def disks_of_every_kind(cloud: str) -> Mcis:
    mcis, kinds = rich(cloud), ("cheap", "balanced", "fast")
    groups = {
        kind: a_group(
            kind,
            2,
            cloud=cloud,
            region=regions_of(cloud)[0],
            disk=Disk(size_gib=50, type=kind),
            disks=tuple(Disk(name=k, type=k, size_gib=10, mount=f"/{k}") for k in kinds),
        )
        for kind in kinds
    }
    return replace(mcis, groups=groups)


def every_image(cloud: str) -> Mcis:
    aliases = registry.graph(cloud).facts().image_aliases
    region = regions_of(cloud)[0]
    groups = (a_group(f"g{n}", cloud=cloud, region=region, image=a) for n, a in enumerate(aliases))
    return replace(rich(cloud), groups={group.name: group for group in groups})


def every_rule(cloud: str) -> Mcis:
    """Each source with each protocol, with and without ports."""
    mcis = rich(cloud)
    sources = ("anywhere", "me", "mcis", "group:api", "group:db", "203.0.113.7/32")
    flows: Any = (("tcp", ((22, 22), (1, 65535))), ("udp", ()), ("tcp", ()), ("icmp", ()), ("all", ()))
    rules = tuple(
        FirewallRule(sources=(source,), protocol=protocol, ports=ports)
        for source in sources
        for protocol, ports in flows
    )
    return replace(mcis, firewalls={"web": replace(mcis.firewalls["web"], rules=rules)})


def bare(cloud: str) -> Mcis:
    group = a_group("web", cloud=cloud, region=regions_of(cloud)[0], public_ip="none")
    return replace(rich(cloud), groups={"web": group}, firewalls={}, labels={}, env=None)


SCENES = (rich, spot, disks_of_every_kind, every_image, every_rule, bare)
# The packages are seconds and 200 MiB to import: one worker is enough for all that need them.
pytestmark = pytest.mark.xdist_group("typed packages")
every_cloud = pytest.mark.parametrize("cloud", CLOUDS)


def with_host_keys(mcis: Mcis) -> Plan:
    plan = planned(mcis)
    keys = {m.name: HostKey(public=f"ssh-ed25519 AAAA{m.name}", private=PRIVATE) for m in plan.members}
    return replace(plan, host_keys=keys, me="203.0.113.9/32")


@every_cloud
@pytest.mark.parametrize("scene", SCENES)
def test_every_input_and_output_is_one_the_provider_knows(cloud: str, scene: Any) -> None:
    assert [str(problem) for problem in problems(build(with_host_keys(scene(cloud))))] == []


@every_cloud
def test_what_is_wrong_with_a_graph_is_noticed(cloud: str) -> None:
    if registry.graph(cloud).SHIPS_PLUGIN:
        return  # its provider program is ours and has tests of its own
    graph = built(rich(cloud))
    for resource in graph.resources:
        wrong = replace(resource, inputs={**resource.inputs, "noSuchInput": 1})
        found = problems(replace(graph, resources=(wrong,), outputs={}))
        assert "noSuchInput" in [problem.path for problem in found], resource.key


# ---------------------------------------------------------------- secrets


def hidden(value: Any) -> bool:
    """Whether the private half of a host key is in a text, as it is or encoded."""
    texts = [part for part in value.parts if isinstance(part, str)] if isinstance(value, Join) else [value]
    joined = "".join(text for text in texts if isinstance(text, str))
    try:
        decoded = base64.b64decode("".join(joined.split()), validate=True).decode("utf-8", "replace")
    except ValueError:
        decoded = ""
    return any("the-private-half-of-a-host-key" in text for text in (joined, decoded))


def parts(leaf: Any) -> list[Any]:
    """What a text is joined from: each part may be a secret of its own."""
    return list(leaf.parts) if isinstance(leaf, Join) else [leaf]


def with_a_private_key(resource: Resource) -> list[Any]:
    found = (part for leaf in leaves(resource.inputs) for part in parts(leaf))
    return [part for part in found if hidden(part.value if isinstance(part, Secret) else part)]


@every_cloud
def test_a_private_host_key_is_in_the_secrets_of_its_machine_and_nowhere_else(cloud: str) -> None:
    graph = build(with_host_keys(rich(cloud)))
    machines = registry.graph(cloud).VM_TOKENS
    for resource in graph.resources:
        found = with_a_private_key(resource)
        assert all(isinstance(leaf, Secret) for leaf in found), resource.key
        assert not found or resource.token in machines, resource.key
        expected = registry.graph(cloud).INJECTS_HOST_KEYS and resource.token in machines
        assert bool(found) == expected, resource.key


@every_cloud
def test_nobody_is_shown_a_private_host_key(cloud: str) -> None:
    graph = build(with_host_keys(rich(cloud)))
    for text in (render.as_text(graph), render.as_json(graph), render.as_yaml(graph), repr(graph.outputs)):
        assert not hidden(text)


@every_cloud
def test_the_inventory_says_which_host_key_a_machine_has(cloud: str) -> None:
    if not registry.graph(cloud).INJECTS_HOST_KEYS:
        return
    known: Any = build(with_host_keys(rich(cloud))).outputs["inventory"]
    unknown: Any = built(rich(cloud)).outputs["inventory"]
    assert known["web-1"]["host_key"] == "ssh-ed25519 AAAAweb-1"
    assert unknown["web-1"]["host_key"] is None


@every_cloud
def test_a_setup_of_any_text_is_carried(cloud: str) -> None:
    nasty = 'it\'s "q" $(x) `x` \\ \t%s\r\n\nEOF\n\u2028\x85 é'
    mcis = rich(cloud)
    setup = Setup(files=(SetupFile(path="/etc/x", content=nasty),), run=(nasty,))
    groups = {name: replace(group, setup=setup) for name, group in mcis.groups.items()}
    assert problems(build(with_host_keys(replace(mcis, groups=groups)))) == ()

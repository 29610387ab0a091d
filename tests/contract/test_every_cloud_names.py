"""Names and tags: whatever a manifest calls things, each cloud takes what it is given.

The rules are the clouds' own, from their documentation (as of 2026-11), and know nothing of how names
are made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fakes.clouds import CLOUDS, a_connection, built, planned, regions_of
from fakes.mcis import a_group, an_mcis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mcis_iac.clouds import registry
from mcis_iac.model import Disk, Firewall, FirewallRule, Mcis, Network, Severity
from mcis_iac.program.graph import Resource

pytestmark = pytest.mark.parametrize("cloud", CLOUDS)
NAME = st.from_regex(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
LABELS = st.dictionaries(
    st.from_regex(r"[a-z]([a-z0-9_-]{0,61}[a-z0-9])?", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._ -]{0,63}", fullmatch=True),
    max_size=8,
)
LONGEST = "a" + "-b" * 15 + "c"
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Called:
    """What somebody calls things."""

    mcis: str
    namespace: str
    env: str | None
    groups: tuple[str, str]
    network: str
    firewall: str
    connection: str
    disk: str
    labels: Mapping[str, str]


CALLED = st.builds(
    Called,
    mcis=NAME,
    namespace=NAME,
    env=st.none() | NAME,
    groups=st.tuples(NAME, NAME).filter(lambda two: two[0] != two[1]),
    network=NAME,
    firewall=NAME,
    connection=NAME,
    disk=NAME,
    labels=LABELS,
)
NASTIEST = Called(
    mcis=LONGEST,
    namespace=LONGEST,
    env=LONGEST,
    groups=(LONGEST, LONGEST[:-1] + "d"),
    network=LONGEST,
    firewall=LONGEST,
    connection=LONGEST,
    disk=LONGEST,
    labels={"l" * 63: "V" * 63, "a-_b": " . ", "e": "", "name": "x", "aws": "y"},
)
SHORTEST = Called("a", "b", None, ("c", "d"), "e", "f", "g", "h", {})


def written(cloud: str, called: Called) -> Mcis:
    """A manifest with those names, using everything that gets one."""
    regions = regions_of(cloud)
    disk = Disk(name=called.disk, size_gib=10, mount="/data")
    place: dict[str, Any] = {"cloud": cloud, "connection": called.connection, "network": called.network}
    first, second = called.groups
    groups = (
        a_group(first, 2, region=regions[0], firewalls=(called.firewall,), labels=called.labels, **place),
        a_group(second, 1, region=regions[-1], public_ip="static", disks=(disk,), **place),
    )
    rule = FirewallRule(sources=(f"group:{second}", "me"), ports=((22, 22),))
    return an_mcis(
        *groups,
        name=called.mcis,
        namespace=called.namespace,
        env=called.env,
        labels=called.labels,
        connections={called.connection: a_connection(cloud, called.connection)},
        networks={called.network: Network(name=called.network)},
        firewalls={called.firewall: Firewall(name=called.firewall, rules=(rule,))},
    )


# ---------------------------------------------------------------- what clouds take

Rule = Callable[[str], bool]


def like(pattern: str) -> Rule:
    return lambda text: re.fullmatch(pattern, text) is not None


GCP_NAME = like(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
AZURE_80 = like(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?")
OPENSTACK_NAME = like(r".{1,255}")
LOCAL_NAME = like(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

# cloud -> (name of an input, at any depth; of which resources; what it must be like)
NAMES: Mapping[str, tuple[tuple[str, str, Rule], ...]] = {
    "local": (("name", "", LOCAL_NAME),),
    "aws": (
        ("name", "SecurityGroup$", like(r"(?!sg-)[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")),
        ("description", "SecurityGroup$", like(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")),
        ("keyName", "KeyPair$", like(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")),
    ),
    "gcp": (("name", "^gcp:", GCP_NAME), ("tags", "Instance$", GCP_NAME), ("targetTags", "", GCP_NAME),
            ("sourceTags", "", GCP_NAME), ("deviceName", "", GCP_NAME)),
    "azure": (
        ("resourceGroupName", "ResourceGroup$", like(r"[\w.()-]{0,89}[\w()-]")),
        ("virtualNetworkName", "VirtualNetwork$", like(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]")),
        ("networkSecurityGroupName", "", AZURE_80),
        ("networkInterfaceName", "", AZURE_80),
        ("publicIpAddressName", "", AZURE_80),
        ("natGatewayName", "", AZURE_80),
        ("subnetName", "", AZURE_80),
        ("vmName", "", like(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?")),
        ("computerName", "", like(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?")),
        ("name", "NetworkSecurityGroup$", AZURE_80),
    ),
    "openstack": (("name", "Keypair$", like(r"[A-Za-z0-9 _-]{1,255}")), ("name", "", OPENSTACK_NAME)),
}  # fmt: skip


@dataclass(frozen=True)
class Tags:
    """How many tags something may have and what they are made of."""

    inputs: tuple[str, ...]
    limit: int
    key: Rule
    value: Rule


TAGS = {
    "local": Tags(("tags",), 1000, lambda _: True, lambda _: True),
    "aws": Tags(
        ("tags", "volumeTags"), 50, like(r"(?!aws:)[\w +\-=.:/@]{1,128}"), like(r"[\w +\-=.:/@]{0,256}")
    ),
    "gcp": Tags(("labels",), 64, like(r"[a-z][a-z0-9_-]{0,62}"), like(r"[a-z0-9_-]{0,63}")),
    "azure": Tags(("tags",), 50, like(r"[^<>%&\\?/]{1,512}"), like(r".{0,256}")),
    "openstack": Tags(("metadata",), 128, like(r".{1,255}"), like(r".{0,255}")),
}


def test_the_rules_of_the_cloud_are_known_here(cloud: str) -> None:
    assert cloud in NAMES and cloud in TAGS


def texts(value: Any, wanted: str) -> Iterator[str]:
    """The texts under that name anywhere in an input; of a list its items."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            found = inner if isinstance(inner, list | tuple) else [inner]
            if name == wanted:
                yield from (text for text in found if isinstance(text, str))
            yield from texts(inner, wanted)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner, wanted)


def named(cloud: str, resource: Resource) -> Iterator[tuple[str, str, Rule]]:
    seen = set()
    for wanted, token, rule in NAMES[cloud]:
        if wanted not in seen and re.search(token, resource.token):
            seen.add(wanted)
            yield from ((wanted, text, rule) for text in texts(resource.inputs, wanted))


@given(called=CALLED)
@example(called=NASTIEST)
@example(called=SHORTEST)
@FEW
def test_every_name_is_one_the_cloud_takes(cloud: str, called: Called) -> None:
    for resource in built(written(cloud, called)).resources:
        for wanted, text, rule in named(cloud, resource):
            assert rule(text), f"{resource.key} {wanted}: {text!r}"


@given(called=CALLED)
@example(called=NASTIEST)
@FEW
def test_no_two_things_of_a_kind_have_one_name(cloud: str, called: Called) -> None:
    found: dict[Any, str] = {}
    for resource in built(written(cloud, called)).resources:
        kind = resource.token.rpartition(":")[2].lower()
        own = {"name", "vmName", *(name for name in resource.inputs if name.lower() == f"{kind}name")}
        own |= {"keyName"} if kind == "keypair" else set()
        around = ("region", "zone", "resourceGroupName", "virtualNetworkName")
        for name in own & resource.inputs.keys():
            text = resource.inputs[name]
            assert isinstance(text, str), resource.key
            place = (kind, text.lower(), *(str(resource.inputs.get(n)) for n in around if n not in own))
            assert place not in found, f"{resource.key} and {found.get(place)} are both {text}"
            found[place] = resource.key


@given(called=CALLED)
@example(called=NASTIEST)
@FEW
def test_every_tag_is_one_the_cloud_takes_and_there_are_not_too_many(cloud: str, called: Called) -> None:
    rules = TAGS[cloud]
    for resource in built(written(cloud, called)).resources:
        for name in rules.inputs:
            tags = resource.inputs.get(name)
            if isinstance(tags, Mapping):
                assert len(tags) <= rules.limit, resource.key
                wrong = {k: v for k, v in tags.items() if not rules.key(k) or not rules.value(str(v))}
                assert wrong == {}, resource.key


def test_more_labels_than_the_cloud_has_room_for_are_refused_or_fit(cloud: str) -> None:
    labels = {f"label-{n}": "x" for n in range(60)}
    mcis = written(cloud, replace(SHORTEST, labels=labels))
    if any(p.severity is Severity.ERROR for p in registry.graph(cloud).check(mcis)):
        return
    assert max(_counts(cloud, mcis)) <= TAGS[cloud].limit


def _counts(cloud: str, mcis: Mcis) -> Iterator[int]:
    for resource in built(mcis).resources:
        for name in TAGS[cloud].inputs:
            tags = resource.inputs.get(name)
            yield len(tags) if isinstance(tags, Mapping) else 0


@given(called=CALLED)
@example(called=NASTIEST)
@FEW
def test_whatever_things_are_called_nothing_is_refused_and_keys_are_stable(
    cloud: str, called: Called
) -> None:
    mcis = written(cloud, called)
    assert [p.detail for p in registry.graph(cloud).check(mcis) if p.severity is Severity.ERROR] == []
    relabelled = replace(mcis, labels={})
    assert [r.key for r in built(mcis).resources] == [r.key for r in built(relabelled).resources]
    assert planned(mcis) == planned(mcis)

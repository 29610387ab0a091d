"""What each cloud calls its things: connections, images, networks that are there, spot VMs."""

# ruff: noqa: E501 - one case is one line

from __future__ import annotations

import pytest
from manifests import EVERYTHING, HEAD, HERE, SMALL, codes, loaded, marked, only

from mcis_iac.manifest.explain import explain
from mcis_iac.report.diagnostics import render

GROUPS = f"groups: {{web: {{{HERE}}}}}\n"
KEYS = "AWS_ACCESS_KEY_ID: {0}_ID, AWS_SECRET_ACCESS_KEY: {0}_KEY"
VPC = "{vpc: vpc-0abc, subnets: {a: subnet-0abc}}"


def connections(*fields: str) -> str:
    return f"{HEAD}connections: {{{', '.join(fields)}}}\n{GROUPS}"


def image(fields: str) -> str:
    return f"{HEAD}images: {{base: {{{fields}}}}}\n{GROUPS}"


def existing(fields: str, declared: str = "") -> str:
    return f"{HEAD}{declared}networks: {{main: {{existing: {fields}}}}}\n{GROUPS}"


# ---------------------------------------------------------------- connections


@pytest.mark.parametrize(
    ("fields", "code", "word", "detail"),
    [
        ("cloud: aws, profil: x", "101", "profil", "did you mean `profile`?"),
        ("cloud: aws, subscription: x", "101", "subscription", "a connection to aws has no such field"),
        ("cloud: openstack, profile: x", "101", "profile", "a connection to openstack has no such field"),
        ("cloud: awss, profile: x", "103", "awss", "did you mean `aws`?"),
        ("cloud: awss, zzzzzz: x", "103 101", "awss", "did you mean `aws`?"),
        ("profile: x", "102", "c", "`cloud` is required in a connection"),
        ("cluod: aws", "101", "cluod", "did you mean `cloud`? (cloud is required here)"),
        ("cloud: aws, role: admin", "113", "admin", None),
        ("cloud: azure, auth: clii", "103", "clii", "did you mean `cli`?"),
        ("cloud: gcp, project: ''", "114", "''", "this is empty"),
        ("cloud: gcp, env: {}", "114", "env", None),
        ("cloud: gcp, env: {A B: C}", "115", "A B", "expected the name of an environment variable"),
        ("cloud: gcp, env: {A: 9C}", "113", "9C", "expected the name of an environment variable"),
        ("cloud: gcp, env: {A: 9}", "105", "9", None),
        ("cloud: openstack, volume_types: {quick: x}", "101", "quick", None),
        ("cloud: openstack, external_network: [x]", "105", "external_network", None),
    ],
)
def test_a_connection_has_the_fields_of_its_cloud(fields: str, code: str, word: str, detail: str) -> None:
    found = loaded(connections(f"c: {{{fields}}}"))
    assert codes(found) == code.split()
    assert marked(found, found.diagnostics[0]) == word
    if detail:
        assert found.diagnostics[0].detail == detail


def test_settings_are_what_the_connection_says_beside_its_cloud() -> None:
    mcis = loaded(EVERYTHING).mcis
    assert mcis.connections["shop"].settings == {
        "role": "arn:aws:iam::123456789012:role/mcis",
        "env": {"AWS_PROFILE": "SHOP_PROFILE"},
    }
    assert mcis.connections["lab"].settings["external_network"] == {"RegionOne": "public"}


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp", "openstack"])
def test_a_cloud_without_a_connection_uses_its_own_defaults(cloud: str) -> None:
    mcis = loaded(SMALL.replace("cloud: local", f"cloud: {cloud}")).mcis
    assert mcis.connections[cloud].cloud == cloud
    assert mcis.connections[cloud].settings == {}


def test_a_cloud_means_its_only_connection() -> None:
    text = f"{HEAD}connections: {{shop: {{cloud: aws}}}}\n"
    text += "groups: {web: {placement: {cloud: aws, region: x}}}\n"
    assert loaded(text).mcis.groups["web"].placement.connection == "shop"


def test_a_cloud_means_the_connection_of_its_name_among_several() -> None:
    both = "a: {cloud: aws, profile: a}, aws: {cloud: aws, profile: b}"
    text = f"{HEAD}connections: {{{both}}}\ngroups: {{web: {{placement: {{cloud: aws, region: x}}}}}}\n"
    assert loaded(text).mcis.groups["web"].placement.connection == "aws"


def test_with_several_connections_a_group_must_say_which() -> None:
    both = "a: {cloud: aws, profile: a}, b: {cloud: aws, profile: b}"
    text = f"{HEAD}connections: {{{both}}}\ngroups: {{web: {{placement: {{cloud: aws, region: x}}}}}}\n"
    assert only(loaded(text), "207").hint == "write `connection:` and one of a, b"


# ---------------------------------------------------------------- variables


def aws(name: str, env: str, more: str = "") -> str:
    return f"{name}: {{cloud: aws, env: {{{env}}}{more}}}"


def test_two_accounts_have_variables_of_their_own() -> None:
    text = connections(aws("shop", KEYS.format("SHOP")), aws("labs", KEYS.format("LABS")))
    assert loaded(text).diagnostics == ()


def test_two_connections_cannot_be_one_account() -> None:
    text = connections(aws("shop", KEYS.format("SHOP")), aws("labs", KEYS.format("SHOP")))
    found = loaded(text)
    diagnostic = only(found, "224")
    assert diagnostic.detail == "connections `shop` and `labs` are the same account"
    assert marked(found, diagnostic) == "SHOP_ID"
    assert text[: diagnostic.span.index].count("SHOP_ID") == 1


def test_one_credential_cannot_belong_to_two_accounts() -> None:
    one = "AWS_ACCESS_KEY_ID: A, AWS_SECRET_ACCESS_KEY: SAME"
    two = "AWS_ACCESS_KEY_ID: B, AWS_SECRET_ACCESS_KEY: SAME"
    diagnostic = only(loaded(connections(aws("shop", one), aws("labs", two))), "224")
    assert diagnostic.detail == "connection `shop` has the same AWS_SECRET_ACCESS_KEY"


def test_one_variable_cannot_stand_for_two() -> None:
    found = loaded(connections(aws("shop", "AWS_ACCESS_KEY_ID: A, AWS_SECRET_ACCESS_KEY: A")))
    assert only(found, "224").detail == "`A` stands for AWS_ACCESS_KEY_ID already"


def test_one_variable_cannot_serve_two_clouds() -> None:
    other = "lab: {cloud: openstack, env: {OS_PASSWORD: SHOP_KEY}}"
    found = loaded(connections(aws("shop", KEYS.format("SHOP")), other))
    assert only(found, "224").detail == "`SHOP_KEY` stands for AWS_SECRET_ACCESS_KEY already"


def test_the_same_credentials_lead_to_different_roles() -> None:
    role = ", role: 'arn:aws:iam::123456789012:role/{}'"
    text = connections(*(aws(n, KEYS.format("SHOP"), role.format(n)) for n in ("a", "b")))
    assert loaded(text).diagnostics == ()


def test_two_accounts_of_one_tenant_share_what_is_no_secret() -> None:
    env = "env: {{ARM_TENANT_ID: TENANT, ARM_CLIENT_SECRET: {}}}"
    text = connections(*(f"{n.lower()}: {{cloud: azure, {env.format(n)}}}" for n in "AB"))
    assert loaded(text).diagnostics == ()


def test_two_connections_that_nothing_tells_apart_are_warned_of() -> None:
    found = loaded(connections("a: {cloud: gcp, project: x}", "b: {cloud: gcp, project: x}"))
    diagnostic = only(found, "226")
    assert (diagnostic.severity, diagnostic.detail) == ("warning", "the same account as connection `a`")
    assert found.mcis is not None


def test_two_connections_to_the_local_cloud_are_no_accounts() -> None:
    assert loaded(connections("a: {cloud: local}", "local: {cloud: local}")).diagnostics == ()


# ---------------------------------------------------------------- images


@pytest.mark.parametrize(
    "fields",
    [
        "aws: {id: ami-0123456789abcdef0}",
        "aws: {ssm: /shop/base}",
        "aws: {name: base-*}",
        "azure: {urn: 'Canonical:ubuntu-24_04-lts:server:latest'}",
        "azure: {id: /subscriptions/1/images/base}",
        "gcp: {family: x, project: y}",
        "gcp: {name: x, project: y, cloud_init: true}",
        "gcp: {id: projects/x/global/images/y}",
        "openstack: {name: ubuntu-24.04-hardened}",
        "openstack: {id: 5b3a9e6c}",
    ],
)
def test_an_image_is_named_in_the_words_of_its_cloud(fields: str) -> None:
    found = loaded(image(fields))
    assert found.diagnostics == ()
    assert list(found.mcis.images["base"].by_cloud) == [fields.partition(":")[0]]


@pytest.mark.parametrize(
    ("fields", "code", "word", "detail"),
    [
        ("aws: {id: ubuntu}", "113", "ubuntu", "expected the id of an AMI, such as ami-0123456789abcdef0"),
        ("aws: {id: ami-1, name: x}", "117", "name", "not together with `id`"),
        ("azure: {urn: 'Canonical:server'}", "113", "'Canonical:server'", "expected publisher:offer:sku:version"),
        ("gcp: {family: x, name: y}", "117", "name", "not together with `family`"),
        ("gcp: {project: x}", "102", "gcp", "`family` is required in an image by family"),
        ("openstack: {nmae: x}", "101", "nmae", "did you mean `name`? (name is required here)"),
        ("digitalocean: {id: x}", "101", "digitalocean", "an image has no such field"),
    ],
)  # fmt: skip
def test_other_words_for_an_image_are_refused(fields: str, code: str, word: str, detail: str) -> None:
    found = loaded(image(fields))
    diagnostic = only(found, code)
    assert (marked(found, diagnostic), diagnostic.detail) == (word, detail)


def test_an_image_needs_an_entry_for_the_cloud_it_is_used_on() -> None:
    text = f"{HEAD}images: {{base: {{aws: {{id: ami-1}}}}}}\n"
    text += "groups: {web: {image: base, placement: {cloud: gcp, region: x}}}\n"
    assert only(loaded(text), "210").detail == "image `base` has no entry `gcp`"


# ---------------------------------------------------------------- networks that are there already


def test_networks_that_are_there_are_kept_by_connection_and_region() -> None:
    assert loaded(EVERYTHING).mcis.networks["back"].existing == {
        "shop": {"ap-northeast-2": {"vpc": "vpc-0abc", "subnets": {"a": "subnet-0abc"}}},
        "west": {"koreacentral": {"resource_group": "hub", "vnet": "corp", "subnet": "servers"}},
        "east": {"asia-northeast3": {"network": "corp", "subnetwork": "seoul"}},
        "lab": {"RegionOne": {"network": "one", "subnet": "two"}},
    }


@pytest.mark.parametrize(
    ("fields", "code", "word", "detail"),
    [
        ("{aws: {x: {network: n}}}", "102 101", "x", "`vpc` and `subnets` are required in an existing network on aws"),
        ("{gcp: {x: {network: n, subnet: s}}}", "101", "subnet", "an existing network on gcp has no such field"),
        ("{openstack: {x: {network: n, subnetwork: s}}}", "101", "subnetwork", "an existing network on openstack has no such field"),
        ("{azure: {x: {vnet: n}}}", "102", "x", "`subnet` is required in an existing network on azure"),
        ("{aws: {x: {vpc: corp, subnets: [subnet-1]}}}", "113", "corp", "expected the id of a VPC, such as vpc-0abc"),
        ("{aws: {x: {vpc: vpc-1, subnets: subnet-1}}}", "105", "subnet-1", "expected a list or a map, this is text"),
        (f"{{awz: {{x: {VPC}}}}}", "206", "awz", "no connection is called `awz`"),
        (f"{{local: {{x: {VPC}}}}}", "225", "local", "there are no networks on local but those mcis makes"),
        ("{}", "114", "existing", None),
    ],
)  # fmt: skip
def test_other_words_for_a_network_are_refused(fields: str, code: str, word: str, detail: str) -> None:
    found = loaded(existing(fields))
    assert codes(found) == code.split()
    assert marked(found, found.diagnostics[0]) == word
    if detail:
        assert found.diagnostics[0].detail == detail


def test_the_words_are_those_of_the_connections_cloud() -> None:
    declared = "connections: {east: {cloud: gcp}}\n"
    found = loaded(existing(f"{{east: {{x: {VPC}}}}}", declared))
    assert {each.detail for each in found.diagnostics} == {
        "an existing network on gcp has no such field",
        "`network` is required in an existing network on gcp",
    }


def test_a_network_that_is_there_takes_no_room() -> None:
    one = f"existing: {{aws: {{x: {VPC}}}}}"
    groups = "groups: {a: {placement: {cloud: aws, region: x}}, b: {placement: {cloud: aws, region: y}}}\n"
    networks = "networks: {main: {cidr: 10.0.0.0/26%s}}\n"
    assert codes(loaded(f"{HEAD}{networks % ''}{groups}")) == ["213"]
    assert codes(loaded(f"{HEAD}{networks % (', ' + one)}{groups}")) == []


# ---------------------------------------------------------------- spot, explain, screens


def test_spot_is_part_of_the_pin() -> None:
    text = SMALL.replace("region: local-seoul", "region: local-seoul, spot: true")
    assert loaded(text).mcis.groups["web"].placement.spot
    assert not loaded(SMALL).mcis.groups["web"].placement.spot


@pytest.mark.parametrize("word", ["yes", "prefer"])
def test_spot_is_true_or_false(word: str) -> None:
    text = SMALL.replace("region: local-seoul", f"region: local-seoul, spot: {word}")
    assert marked(loaded(text), only(loaded(text), "105")) == word


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp", "local", "openstack"])
def test_the_fields_of_every_cloud_are_explained(cloud: str) -> None:
    assert f"fields of a connection to {cloud}" in explain("connections.NAME")


def test_a_field_of_some_clouds_is_explained() -> None:
    assert explain("connections.lab.external_network").startswith(
        "connections.lab.external_network: text or map"
    )
    assert "aws | azure | gcp | local | openstack, required" in explain("connections.lab.cloud")


BROKEN = f"""\
version: 1
name: shop
connections:
  shop: {{cloud: aws, profle: shop, subscription: one}}
  east: {{cloud: gpc, project: shop-eu}}
  west: {{cloud: azure, auth: password, env: {{ARM_CLIENT_SECRET: SECRET}}}}
  lab: {{cloud: openstack, env: {{OS_PASSWORD: SECRET}}}}
images:
  base: {{aws: {{id: ubuntu}}, gcp: {{family: a, name: b}}, azure: {{urn: Canonical}}}}
networks:
  main:
    existing:
      shop: {{ap-northeast-2: {{network: corp}}}}
      lba: {{RegionOne: {{network: corp}}}}
groups:
  web: {{placement: {{cloud: aws, region: ap-northeast-2, spot: maybe}}}}
  db: {{{HERE}, image: base}}
"""


def test_mistakes_in_the_words_of_clouds_are_shown(golden) -> None:
    found = loaded(BROKEN)
    golden("diagnostics/screen-clouds.txt", render(found.diagnostics, found.texts, name="mcis.yaml"))

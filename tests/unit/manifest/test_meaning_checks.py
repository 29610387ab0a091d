"""The rules of meaning: what a manifest names exists, fits and is safe."""

# ruff: noqa: E501 - one case is one line

from __future__ import annotations

from pathlib import Path

import pytest
from manifests import HEAD, HERE, PUBLIC_KEY, SMALL, codes, loaded, marked, only


def manifest(head: str = "", web: str = "", *more: str) -> str:
    fields = f", {web}" if web else ""
    return f"{HEAD}{head}\ngroups:\n  web: {{{HERE}{fields}}}\n" + "".join(f"  {line}\n" for line in more)


LAB = "connections: {lab: {cloud: local}, other: {cloud: local}}"


@pytest.mark.parametrize(
    ("text", "code", "word", "detail"),
    [
        (manifest("firewalls: {a: [{from: ['group:wbe']}]}"), "201", "'group:wbe'", None),
        (manifest(web="firewall: wbe"), "202", "wbe", "no firewall is called `wbe`"),
        (manifest("firewalls: {front: []}", "firewall: [frnot]"), "202", "frnot", "did you mean `front`?"),
        (manifest(web="network: mian"), "203", "mian", None),
        (manifest("", "formerly: web"), "229", "web", "that is its name now"),
        (manifest("", "formerly: db", f"db: {{{HERE}}}"), "229", "db", "group `db` still exists"),
        (manifest("", "formerly: old", f"db: {{{HERE}, formerly: old}}"), "229", "old", "`old` can become one group only"),
        (manifest(web="key: ops"), "204", "ops", "no key is called `ops`"),
        (manifest(web="image: ubuntu-24.40"), "205", "ubuntu-24.40", "did you mean `ubuntu-24.04`?"),
        (f"{HEAD}groups:\n  web: {{placement: {{connection: lab, region: x}}}}\n", "206", "lab", None),
        (manifest(LAB), "207", "local", "2 connections of local, none called `local`"),
        (manifest("", "", f"all: {{{HERE}}}"), "209", "all", "`all` means every VM"),
        (manifest("", "", f"web-1: {{{HERE}}}"), "209", "web-1", "a VM of group `web` is called like that"),
        (manifest("images: {own: {x-only: 1}}", "image: own"), "210", "own", "image `own` has no entry `local`"),
        (manifest("networks: {a: {cidr: 10.0.0.0}}"), "211", "10.0.0.0", "did you mean 10.0.0.0/32?"),
        (manifest("networks: {a: {cidr: 10.1.2.3/16}}"), "211", "10.1.2.3/16", "did you mean 10.1.0.0/16?"),
        (manifest("networks: {a: {cidr: fd00::/48}}"), "211", "fd00::/48", None),
        (manifest("networks: {a: {cidr: 127.0.0.0/8}}"), "211", "127.0.0.0/8", None),
        (manifest("networks: {a: {cidr: 10.0.0.0/27}}"), "213", "10.0.0.0/27", "1 region needs at least a /26"),
        (manifest("firewalls: {a: [{from: [10.0.0.1]}]}"), "211", "10.0.0.1", "did you mean 10.0.0.1/32?"),
        (manifest("firewalls: {a: [{from: [evrywhere]}]}"), "103", "evrywhere", None),
        (manifest("firewalls: {a: [{from: [anywere]}]}"), "103", "anywere", "did you mean `anywhere`?"),
        (manifest("firewalls: {a: [{from: [internet]}]}"), "103", "internet", "did you mean `anywhere`?"),
        (manifest("firewalls: {a: [{from: [my-ip]}]}"), "103", "my-ip", "did you mean `me`?"),
        (manifest("firewalls: {a: [{from: [web]}]}"), "103", "web", "did you mean `group:web`?"),
        (manifest("firewalls: {a: [{ports: [0], from: [me]}]}"), "214", "0", "ports go from 1 to 65535"),
        (manifest("firewalls: {a: [{ports: [65536], from: [me]}]}"), "214", "65536", None),
        (manifest("firewalls: {a: [{ports: ['9-8'], from: [me]}]}"), "214", "'9-8'", "did you mean 8-9?"),
        (manifest("firewalls: {a: [{ports: [1], protocol: icmp, from: [me]}]}"), "215", "ports", None),
        (manifest(web="disks: [{name: a, size: 1GiB, mount: /a}, {name: b, size: 1GiB, mount: /a/}]"), "216", "/a/", None),
        (manifest(web="disks: [{name: a, size: 1GiB, mount: a}]"), "217", "a", None),
        (manifest(web="disks: [{name: a, size: 1GiB, mount: /}]"), "217", "/", None),
        (manifest(web="disks: [{name: a, size: 1GiB, mount: /a/../b}]"), "217", "/a/../b", None),
        (manifest(web="disks: [{name: a, size: 1GiB, mount: /a}, {name: a, size: 1GiB, mount: /b}]"), "218", "a", None),
        (manifest("keys: {k: {public_key: nonsense}}"), "219", "nonsense", None),
        (manifest("networks: {a: {}, b: {}}"), "221", "web", "group `web` is in none of 2 networks"),
        (manifest(web="labels: {mcis: x}"), "222", "mcis", None),
        (manifest("labels: {mcis-group: x}"), "222", "mcis-group", None),
        (manifest("backend: 'postgres://me:secret@host/db'"), "232", "'postgres://me:secret@host/db'", None),
        (manifest("backend: 'https://[x'"), "113", "'https://[x'", None),
        (f"{HEAD}groups:\n  web: {{count: 1}}\n", "102", "web", "`placement` is required in a group"),
        (f"{HEAD}groups:\n  web: {{placement: {{cloud: local}}}}\n", "102", "placement", "`region` is required in a placement"),
        (f"{HEAD}groups:\n  web: {{placement: {{region: x}}}}\n", "102", "placement", "`cloud` or `connection` is required in a placement"),
        (f"{HEAD}groups:\n  web: {{placement: {{cloud: local, regoin: x}}}}\n", "101", "regoin", "did you mean `region`?"),
        (f"{HEAD}groups:\n  web: {{placment: {{cloud: local, region: x}}}}\n", "101", "placment", "did you mean `placement`?"),
    ],
)  # fmt: skip
def test_a_problem_of_meaning_is_said_at_its_place(
    text: str, code: str, word: str, detail: str | None
) -> None:
    found = loaded(text)
    diagnostic = only(found, code)
    assert marked(found, diagnostic) == word
    if detail is not None:
        assert diagnostic.detail == detail


def test_cloud_and_connection_together_are_refused() -> None:
    text = f"{HEAD}{LAB}\ngroups:\n  web: {{placement: {{cloud: local, connection: lab, region: x}}}}\n"
    assert codes(loaded(text)) == ["117"]


def test_a_cloud_means_the_connection_called_like_it() -> None:
    text = manifest("connections: {local: {cloud: local}, other: {cloud: local}}")
    assert loaded(text).mcis.groups["web"].placement.connection == "local"


def test_a_cloud_means_its_only_connection() -> None:
    assert (
        loaded(manifest("connections: {lab: {cloud: local}}")).mcis.groups["web"].placement.connection
        == "lab"
    )


def test_overlapping_networks_are_told_a_free_range() -> None:
    text = manifest("networks: {main: {cidr: 10.20.128.0/17}, two: {cidr: 10.20.0.0/16}}")
    diagnostic = only(loaded(text), "212")
    assert diagnostic.detail == "overlaps 10.20.128.0/17 of network `main`"
    assert diagnostic.hint == "leave `cidr` out to let mcis choose, or use 10.21.0.0/16"


def test_an_overlap_is_the_overlays_even_when_the_base_names_it_later() -> None:
    base = manifest("networks: {two: {}, main: {cidr: 10.20.128.0/17}}")
    found = loaded(base, overlay="networks: {two: {cidr: 10.20.0.0/16}}\n")
    diagnostic = only(found, "212")
    assert (diagnostic.span.file, diagnostic.related[0].label) == ("prod.yaml", "set here (base manifest)")


@pytest.mark.parametrize(("regions", "prefix"), [(1, 26), (2, 25), (3, 24), (16, 22), (17, 15)])
def test_a_network_needs_room_for_every_region_of_its_groups(regions: int, prefix: int) -> None:
    groups = [f"g{i}: {{placement: {{cloud: local, region: r{i}}}}}" for i in range(regions - 1)]
    text = manifest("networks: {main: {cidr: 10.0.0.0/PREFIX}}", "", *groups)
    assert codes(loaded(text.replace("PREFIX", str(prefix + 1)))) == ["213"]
    assert codes(loaded(text.replace("PREFIX", str(prefix)))) == []


@pytest.mark.parametrize(
    ("rule", "warned"),
    [
        ("{ports: [22], from: [anywhere]}", True),
        ("{ports: ['20-30'], from: [anywhere]}", True),
        ("{from: [0.0.0.0/0]}", True),
        ("{protocol: all, from: [anywhere]}", True),
        ("{ports: [22], protocol: udp, from: [anywhere]}", False),
        ("{ports: [80], from: [anywhere]}", False),
        ("{ports: [22], from: [me, mcis]}", False),
    ],
)
def test_ssh_open_to_the_internet_is_a_warning(rule: str, *, warned: bool) -> None:
    found = loaded(manifest(f"firewalls: {{a: [{rule}]}}", "firewall: a, count: 3"))
    assert codes(found) == (["231"] if warned else [])
    assert found.mcis is not None


def test_nobody_is_warned_about_vms_without_a_public_address() -> None:
    head = "firewalls: {a: [{ports: [22], from: [anywhere]}]}"
    assert not loaded(manifest(head, "firewall: a, public_ip: false")).diagnostics
    assert not loaded(manifest(head)).diagnostics


def test_a_firewall_named_twice_is_an_error() -> None:
    found = loaded(manifest("firewalls: {a: []}", "firewall: [a, a]"))
    assert (only(found, "114").span.column, marked(found, found.diagnostics[0])) == (71, "a")


def test_each_network_is_named_with_one_it_overlaps() -> None:
    ranges = ("10.0.0.0/12", "10.1.0.0/16", "10.2.0.0/16", "10.16.0.0/16")
    nets = ", ".join(f"n{i}: {{cidr: {cidr}}}" for i, cidr in enumerate(ranges))
    found = loaded(manifest(f"networks: {{{nets}}}", "network: n0"))
    assert [d.detail for d in found.diagnostics] == ["overlaps 10.0.0.0/12 of network `n0`"] * 2


def test_defaults_too_large_for_so_many_groups_are_refused() -> None:
    labels = ", ".join(f"a{i}: b" for i in range(1000))
    groups = ", ".join(f"g{i}: {{}}" for i in range(1000))
    found = loaded(f"{HEAD}defaults: {{labels: {{{labels}}}, {HERE}}}\ngroups: {{{groups}}}\n")
    assert (only(found, "110").span.line, found.mcis) == (3, None)


def test_a_problem_in_the_defaults_is_said_once() -> None:
    text = f"{HEAD}defaults: {{image: nope, {HERE}}}\ngroups: {{a: {{}}, b: {{}}}}\n"
    assert codes(loaded(text)) == ["205"]


# ---------------------------------------------------------------- key files


def with_key(folder: Path, content: bytes | None) -> str:
    if content is not None:
        (folder / "k.pub").write_bytes(content)
    return manifest("keys: {ops: {public_key_file: k.pub}}")


def test_a_public_key_is_read_beside_the_manifest(tmp_path: Path) -> None:
    found = loaded(with_key(tmp_path, f"{PUBLIC_KEY}\n".encode()), folder=tmp_path)
    key = found.mcis.keys["ops"]
    assert (key.public_key, key.private_key_file) == (PUBLIC_KEY, tmp_path / "k")
    assert found.mcis.groups["web"].key == "ops"


def test_a_key_file_that_is_elsewhere_is_a_warning(tmp_path: Path) -> None:
    found = loaded(with_key(tmp_path, None), folder=tmp_path)
    assert codes(found) == ["220"]
    assert found.mcis.keys["ops"].public_key is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        b"ssh-ed25519 AAAA!",
        b"ssh-ed25519 AAAAC3NzaC1yc2E= x",
        f"{PUBLIC_KEY}\n{PUBLIC_KEY}\n".encode(),
    ],
)
def test_a_file_that_is_no_public_key_is_an_error(tmp_path: Path, content: bytes) -> None:
    assert codes(loaded(with_key(tmp_path, content), folder=tmp_path)) == ["219"]


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    (tmp_path / "k.pub").mkdir()
    assert codes(loaded(with_key(tmp_path, None), folder=tmp_path)) == ["219"]


def test_an_unknown_home_is_no_traceback(tmp_path: Path) -> None:
    text = manifest("keys: {ops: {public_key_file: ~nobody-at-all/k.pub}}")
    assert codes(loaded(text, folder=tmp_path)) == ["220"]


def test_the_public_half_is_no_private_key() -> None:
    text = manifest(f"keys: {{ops: {{public_key: {PUBLIC_KEY}, private_key_file: k.pub}}}}")
    assert codes(loaded(text)) == ["223"]


def test_the_small_manifest_has_no_problem() -> None:
    assert loaded(SMALL).diagnostics == ()

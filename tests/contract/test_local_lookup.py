"""Finding, sweeping and watching on the embedded cloud, against a stand-in for its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Self

import pytest

from mcis_iac.clouds.local import lifecycle, lookup
from mcis_iac.errors import OperationError
from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.types import Instance, InstanceSpec, LocalCloudError
from mcis_iac.model import Connection, Status, Vm

HERE = Connection(name="local", cloud="local", settings={"site": "two", "backend": "plain"})
SHOP = {"mcis": "shop", "mcis-namespace": "default"}


class ASite:
    """A site that has what it was told and remembers what was deleted."""

    backend, reason = "netns", ""

    def __init__(self, *things: tuple[str, str, Mapping[str, str]]) -> None:
        self.things = list(things)
        self.deleted: list[str] = []
        self.machines: list[Instance] = []
        self.opened: list[tuple[str, str]] = []

    def open(self, site: str, backend: str) -> Self:
        self.opened.append((site, backend))
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def find(self, tags: Mapping[str, str]) -> Sequence[tuple[str, str, str, Mapping[str, str]]]:
        return [(k, i, i, t) for k, i, t in self.things if tags.items() <= t.items()]

    def delete(self, kind: str, ids: Sequence[str]) -> None:
        self.deleted += ids
        self.things = [thing for thing in self.things if thing[1] not in ids]

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        return self.machines


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Any:
    def has(*things: tuple[str, str, Mapping[str, str]]) -> ASite:
        made = ASite(*things)
        monkeypatch.setattr(LocalCloud, "open", made.open)
        return made

    return has


def test_the_site_and_the_backend_are_those_of_the_connection(site: Any) -> None:
    made = site()
    lookup.find(HERE, SHOP)
    assert made.opened == [("two", "plain")]


def test_machines_are_found_first(site: Any) -> None:
    site(
        ("network", "net-1", SHOP),
        ("instance", "i-1", SHOP),
        ("key_pair", "k", SHOP),
        ("volume", "vol-1", SHOP),
    )
    assert [found.id for found in lookup.find(HERE, SHOP)] == ["i-1", "vol-1", "net-1", "k"]


def test_an_mcis_is_not_one_of_its_envs(site: Any) -> None:
    prod = {**SHOP, "mcis-env": "prod"}
    site(("instance", "i-1", SHOP), ("instance", "i-2", prod))
    assert [found.id for found in lookup.find(HERE, SHOP)] == ["i-1"]
    assert [found.id for found in lookup.find(HERE, prod)] == ["i-2"]


def test_a_sweep_deletes_what_was_found_users_before_used(site: Any) -> None:
    made = site(
        ("network", "net-1", SHOP),
        ("security_group", "sg-1", SHOP),
        ("subnet", "sub-1", SHOP),
        ("instance", "i-1", SHOP),
        ("instance", "other", {"mcis": "other"}),
    )
    assert (
        [found.id for found in lookup.sweep(HERE, SHOP)] == made.deleted == ["i-1", "sg-1", "sub-1", "net-1"]
    )
    assert lookup.sweep(HERE, SHOP) == []


def a_machine(id: str, state: Any) -> Instance:
    spec = InstanceSpec(
        name=id, zone="a", subnet="sub-1", flavor="small", image="host", key_pair="k", user="mcis"
    )
    return Instance(
        id=id, spec=spec, region="local-seoul", private_ip="10.0.0.4", public_ip="198.18.0.4", ssh_port=22,
        host_key="k", backend="netns", state=state, created_at="",
    )  # fmt: skip


def a_vm(name: str, id: str) -> Vm:
    return Vm(
        name=name, group="web", ordinal=1, connection="local", cloud="local", region="local-seoul", zone="a",
        type="small", id=id, private_ip="10.0.0.4", public_ip=None, user="mcis", host_key=None,
    )  # fmt: skip


def test_every_machine_is_observed_and_one_that_is_gone_is_terminated(site: Any) -> None:
    made = site()
    made.machines = [a_machine("i-1", "running"), a_machine("i-2", "stopped"), a_machine("i-3", "pending")]
    vms = [a_vm(f"web-{n}", f"i-{n}") for n in (1, 2, 3, 4)]
    seen = lifecycle.observe(HERE, vms)
    assert {name: observed.status for name, observed in seen.items()} == {
        "web-1": Status.RUNNING,
        "web-2": Status.SUSPENDED,
        "web-3": Status.CREATING,
        "web-4": Status.TERMINATED,
    }
    assert seen["web-1"].public_ip == "198.18.0.4"


def test_a_fallback_is_said_with_its_reason(site: Any) -> None:
    made = site()
    assert lifecycle.notices(HERE) == ()
    made.backend, made.reason = "plain", "unshare: not permitted"
    (said,) = lifecycle.notices(HERE)
    assert said == "local: backend plain: unshare: not permitted"


def test_a_refusal_is_told_in_the_clouds_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> SimpleNamespace:
        raise LocalCloudError(code="host", message="the state folder is on tmpfs")

    monkeypatch.setattr(LocalCloud, "open", refuse)
    with pytest.raises(OperationError) as refused:
        lookup.find(HERE, SHOP)
    assert refused.value.detail == "local: the state folder is on tmpfs"

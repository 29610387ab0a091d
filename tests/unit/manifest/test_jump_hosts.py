"""`via`: which group is the way in, and what is refused about it."""

from __future__ import annotations

import pytest
from manifests import HEAD, HERE, codes, loaded, marked, only


def manifest(*groups: str, head: str = "") -> str:
    return f"{HEAD}{head}groups:\n" + "".join(f"  {group}\n" for group in groups)


def group(name: str, more: str = "") -> str:
    return f"{name}: {{{HERE}{more}}}"


def test_a_group_may_be_reached_through_another_one() -> None:
    found = loaded(manifest(group("web"), group("db", ", public_ip: false, via: web")))
    assert found.mcis is not None
    assert [each.via for each in found.mcis.groups.values()] == [None, "web"]


def test_ways_may_be_longer_than_one_step() -> None:
    inner = group("inner", ", public_ip: false, via: web")
    assert codes(loaded(manifest(group("web"), inner, group("db", ", public_ip: false, via: inner")))) == []


@pytest.mark.parametrize(
    ("groups", "code", "detail"),
    [
        ((group("web"), group("db", ", via: front")), "201", "no group is called `front`"),
        ((group("bastion"), group("db", ", via: bastoin")), "201", "did you mean `bastion`?"),
        ((group("db", ", via: db"),), "227", "a group is not reached through itself"),
        (
            (group("web", ", public_ip: false"), group("db", ", via: web")),
            "228",
            "VMs of `web` have no public address",
        ),
    ],
)
def test_a_way_that_leads_nowhere_is_said_at_its_place(
    groups: tuple[str, ...], code: str, detail: str
) -> None:
    found = loaded(manifest(*groups))
    diagnostic = only(found, code)
    assert diagnostic.detail == detail
    assert marked(found, diagnostic) in {"front", "bastoin", "db", "web"}


def test_a_circle_is_shown_whole() -> None:
    found = loaded(manifest(group("a", ", via: b"), group("b", ", via: c"), group("c", ", via: a")))
    assert [each.detail for each in found.diagnostics] == ["a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"]  # fmt: skip  # noqa: E501


def test_a_default_for_all_is_not_meant_for_the_jump_host_itself() -> None:
    found = loaded(manifest(group("web"), group("db"), head="defaults: {via: web}\n"))
    assert found.mcis is not None
    assert [each.via for each in found.mcis.groups.values()] == [None, "web"]

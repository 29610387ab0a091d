"""Who can be waited for: whoever has an address that leads there from here."""

from __future__ import annotations

from dataclasses import replace

from mcis_iac.flows.apply import out_of_reach, within_reach
from mcis_iac.model import Vm

OPEN = Vm(
    name="web-1",
    group="web",
    ordinal=1,
    connection="aws",
    cloud="aws",
    region="us-east-1",
    zone="a",
    type="t3.small",
    id="i-1",
    private_ip="10.32.0.4",
    public_ip="203.0.113.4",
    user="mcis",
    host_key="ssh-ed25519 AAAA",
)
HIDDEN = replace(OPEN, name="db-1", group="db", public_ip=None)


def test_a_public_address_leads_anywhere() -> None:
    assert within_reach(OPEN)


def test_a_private_address_of_a_cloud_elsewhere_leads_nowhere() -> None:
    assert not within_reach(HIDDEN)


def test_a_private_address_of_this_machine_s_cloud_is_near() -> None:
    assert within_reach(replace(HIDDEN, cloud="local"))


def test_the_groups_nobody_can_wait_for_are_named_once() -> None:
    hidden = (HIDDEN, replace(HIDDEN, name="db-2"), OPEN)
    assert out_of_reach(hidden) == ("db: no public address, so created counts as ready",)
    assert out_of_reach((OPEN,)) == ()

"""Small manifests with actions as values, and the VMs they are about; nothing here starts anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcis_iac.actions.templates import Renderer
from mcis_iac.model import Action, Group, Mcis, Pin, Vm
from tests.fakes.ssh import a_vm

PLACE = {"name": "local-seoul", "lat": 37.57, "lon": 126.98}


def an_action(name: str = "join", **more: Any) -> Action:
    """An action that says hello, if nothing else is asked for."""
    return Action(**{"name": name, "run": ("echo hello",), **more})


def an_mcis(*actions: Action, **groups: dict[str, str]) -> Mcis:
    """An MCIS of groups with those labels; `web` and `db` by default."""
    labels = groups or {"web": {"role": "front"}, "db": {"role": "data", "tier": "back"}}
    pin = Pin(connection="local", region="local-seoul")
    return Mcis(
        name="shop",
        namespace="team",
        file="mcis.yaml",
        folder=Path("/nowhere"),
        labels={"team": "platform"},
        groups={name: Group(name=name, count=2, placement=pin, labels=own) for name, own in labels.items()},
        actions=actions,
    )


def vms(*names: str) -> tuple[Vm, ...]:
    """VMs of those names, each with an id and a private address of its own."""
    return tuple(
        a_vm(
            name,
            group=name.rpartition("-")[0],
            ordinal=int(name.rpartition("-")[2]),
            id=f"i-{name}",
            private_ip=f"10.0.{number}.4",
        )
        for number, name in enumerate(names)
    )


def a_renderer(mcis: Mcis, there: tuple[Vm, ...]) -> Renderer:
    """Renders over those VMs, all of them in Seoul."""
    return Renderer(mcis, there, lambda _: PLACE)

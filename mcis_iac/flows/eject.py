"""`mcis eject`: the graph of a manifest as a Pulumi program. Offline; all it makes is a new folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from mcis_iac.actions import inventory as inventories
from mcis_iac.clouds import registry
from mcis_iac.eject.files import Stack, ejected, write
from mcis_iac.engine.home import StackHome
from mcis_iac.flows import asking, ground, guard, placing, releasing
from mcis_iac.model import Mcis, Plan
from mcis_iac.pipeline import Request
from mcis_iac.placement.renames import earlier_names
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph

DISTRIBUTION = "mcis-iac"  # has the plugins of the clouds that come with it
# What the engine notes of a stack's encryption: no secret by itself, and needed to read those in the state.
_ENGINE = re.compile(r"^(encryptionsalt|secretsprovider|encryptedkey): (\S.*)$", re.MULTILINE)


def eject(request: Request, directory: Path) -> tuple[Path, ...]:
    """Write the project; UsageError when the folder is not empty."""
    base = ground.ground(request)
    there = inventories.read(base.home.inventory).vms
    guard.rename_first((vm.name for vm in there), earlier_names(base.lock), request.words)
    placed = placing.placed(base, placing.Wish(), placing.Clock(), make_key=False)
    plan = _with_known_keys(placed.plan, base.home)
    graph = build(plan)
    return write(directory, ejected(graph, _stack(base.mcis, base.home, graph)))


def _with_known_keys(plan: Plan, home: StackHome) -> Plan:
    """With the host keys that machines were given, when the passphrase they come from is here."""
    here = home.passphrase_file.exists() or any(
        os.environ.get(name) for name in ("MCIS_PASSPHRASE", "MCIS_PASSPHRASE_FILE")
    )
    return asking.with_host_keys(plan, home) if here else plan


def _stack(mcis: Mcis, home: StackHome, graph: Graph) -> Stack:
    modules = [registry.graph(each.cloud) for each in mcis.connections.values()]
    own = mcis.backend is None and not os.environ.get("MCIS_BACKEND")
    return Stack(
        untyped={module.PACKAGE: DISTRIBUTION for module in modules if module.SHIPS_PLUGIN},
        engine=_engine(home),
        backend=f"file://{home.state}" if own else (mcis.backend or ""),
        passphrase=str(home.passphrase_file) if home.passphrase_file.exists() else "",
        by_hand=releasing.by_hand(graph, {each.cloud for each in mcis.connections.values()}),
    )


def _engine(home: StackHome) -> Mapping[str, str]:
    path = home.work / f"Pulumi.{home.stack}.yaml"
    return dict(_ENGINE.findall(path.read_text(encoding="utf-8"))) if path.exists() else {}

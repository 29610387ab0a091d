"""CPU and memory limits through cgroups, version 1 or 2, where the host lets us; nowhere else.

A host without writable controllers runs machines without limits: flavors are then only names.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from mcis_iac.local_cloud.types import Machine

ROOT = Path("/sys/fs/cgroup")
PARENT = "mcis-local"
PERIOD_US = 100_000
CONTROLLERS = ("cpu", "memory")


def folders(tag: str, root: Path = ROOT) -> list[Path]:
    """The cloud's folder in every usable hierarchy; [] = no limits here."""
    if (root / "cgroup.controllers").exists():
        offered = (root / "cgroup.controllers").read_text().split()
        return [root / PARENT / tag] if set(CONTROLLERS) <= set(offered) else []
    return [root / name / PARENT / tag for name in CONTROLLERS if (root / name / "cgroup.procs").exists()]


def values(machine: Machine) -> dict[str, str]:
    """File name -> text of both versions; a file that a hierarchy does not have is skipped."""
    memory = machine.memory_mib << 20
    quota = max(1000, int(machine.cpu * PERIOD_US))
    return {
        "memory.limit_in_bytes": str(memory),
        "memory.max": str(memory),
        "cpu.cfs_quota_us": str(quota),
        "cpu.max": f"{quota} {PERIOD_US}",
    }


def set_limits(tag: str, machine: Machine, root: Path = ROOT) -> list[str]:
    """Make or update the machine's cgroups; the `cgroup.procs` files its first process must enter."""
    found = []
    for parent in folders(tag, root):
        folder = parent / machine.id
        try:
            _make(folder, root)
            for name, text in values(machine).items():
                if (folder / name).exists():
                    (folder / name).write_text(text)
        except OSError:
            continue  # read-only or not delegated: no limit in this hierarchy
        found.append(str(folder / "cgroup.procs"))
    return found


def _make(folder: Path, root: Path) -> None:
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    for above in (root, folder.parent.parent, folder.parent):
        control = above / "cgroup.subtree_control"
        if control.exists() and not set(CONTROLLERS) <= set(control.read_text().split()):
            control.write_text(" ".join(f"+{name}" for name in CONTROLLERS))
    folder.mkdir()


def remove(tag: str, instances: Iterable[str], root: Path = ROOT) -> None:
    """Drop the cgroups of ended machines; one that is still being left goes with `remove_all`."""
    for parent in folders(tag, root):
        for instance in instances:
            with contextlib.suppress(OSError):
                (parent / instance).rmdir()


def remove_all(tag: str, root: Path = ROOT) -> None:
    """Drop the cloud's folder with whatever is empty in it."""
    for parent in folders(tag, root):
        if not parent.is_dir():
            continue
        remove(tag, [entry.name for entry in os.scandir(parent) if entry.is_dir()], root)
        for folder in (parent, parent.parent):
            with contextlib.suppress(OSError):
                folder.rmdir()

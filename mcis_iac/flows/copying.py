"""Copying files between this machine and VMs: which way, which VMs, and where everything goes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mcis_iac.actions import inventory as inventories
from mcis_iac.engine.events import Event
from mcis_iac.errors import UsageError
from mcis_iac.flows import act, hostkeys
from mcis_iac.flows.ground import Standing, standing
from mcis_iac.model import CopyResult, Inventory, Subject, Vm
from mcis_iac.pipeline import Request

ALL = "all"
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """`NAME:PATH`: a VM, a group or `all`, and a path there."""

    name: str
    path: str


def copy(
    request: Request,
    source: str,
    target: str,
    *,
    recursive: bool = False,
    sudo: bool = False,
    timeout_s: float | None = None,
    tell_every_s: float = 10.0,
) -> tuple[CopyResult, ...]:
    """Copy one way or the other; one result per VM, whatever happened to it.

    Events say what goes on, progress every `tell_every_s` per VM.
    """
    there, here_is_target = _direction(source, target)
    here = standing(request)
    known = act.all_known(here)
    vms = _meant(known, there.name)
    places = _places(vms, there, target) if here_is_target else {}
    from mcis_iac.actions import copy_out, copying

    parcel = None if here_is_target else copy_out.pack(source, recursive=recursive)
    telling = _Telling(here, request, every_s=tell_every_s, whole=parcel.size if parcel else None)
    opened = act.login(here, vms)
    known = replace(known, vms=hostkeys.first_login(here.home, vms, known.vms, opened))
    vms = _meant(known, there.name)
    how = copying.Copies(
        login=opened,
        known=known.vms,
        parallel=request.parallel,
        timeout_s=timeout_s,
        sudo=sudo,
        on_begin=telling.begin,
        on_bytes=telling.more,
        on_done=telling.done,
    )
    if parcel is not None:
        return copying.upload(vms, parcel, there.path, how)
    return copying.download(vms, there.path, places, how, recursive=recursive)


def remote(text: str) -> Remote | None:
    """The far side, when the text names one; a `/` before the colon makes it a local path."""
    name, colon, path = text.partition(":")
    return Remote(name=name, path=path) if colon and name and "/" not in name else None


def _direction(source: str, target: str) -> tuple[Remote, bool]:
    """The remote side, and whether it is the source."""
    first, second = remote(source), remote(target)
    if first is not None and second is None:
        return first, True
    if second is not None and first is None:
        return second, False
    raise UsageError(
        summary="one side is here and one on VMs",
        detail=f"{source} and {target} are both " + ("on VMs" if first else "on this machine"),
        hint="write the far side as VM:PATH or GROUP:PATH, a local name with a colon as ./NAME",
    )


def _meant(known: Inventory, name: str) -> tuple[Vm, ...]:
    if name == ALL:
        return known.vms
    groups = {vm.group for vm in known.vms} | {failed.group for failed in known.failed}
    wanted = ((name,), ()) if name in groups else ((), (name,))
    return inventories.select(known, *wanted)


def _places(vms: Sequence[Vm], there: Remote, target: str) -> Mapping[str, Path]:
    """Where each VM's copy goes: a folder per VM, unless one VM was named."""
    name = there.path.rstrip("/").rpartition("/")[2]
    if name in {"", ".", "..", "~"}:
        raise UsageError(
            summary="no name to copy to",
            detail=f"{there.name}:{there.path} names no file and no folder of its own",
            hint="name what to fetch, for example " + f"{there.name}:/var/log",
        )
    folder = Path(target).expanduser()
    one = any(vm.name == there.name for vm in vms)
    if one and not (target.endswith("/") or folder.is_dir()):
        return {vm.name: _below(folder.parent, folder.name) for vm in vms}
    return {vm.name: _below(folder if one else folder / vm.name, name, make=True) for vm in vms}


def _below(folder: Path, name: str, *, make: bool = False) -> Path:
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            raise FileNotFoundError(2, "no such folder", str(folder))
    except OSError as problem:
        raise UsageError(
            summary="cannot copy to there", detail=f"{problem.filename}: {(problem.strerror or '').lower()}"
        ) from problem
    return folder.resolve() / name


class _Telling:
    """What happens to each VM, as events."""

    def __init__(self, here: Standing, request: Request, *, every_s: float, whole: int | None) -> None:
        self._here = here
        self._listen = request.listen
        self._every_s = every_s
        self._whole = whole
        self._moved: dict[str, int] = {}
        self._told: dict[str, float] = {}

    def begin(self, vm: Vm) -> None:
        self._told[vm.name] = time.monotonic()
        self._emit("op_start", vm, {"op": "copy"})

    def more(self, vm: Vm, count: int) -> None:
        self._moved[vm.name] = self._moved.get(vm.name, 0) + count
        if time.monotonic() - self._told[vm.name] >= self._every_s:
            self._told[vm.name] = time.monotonic()
            of = f" of {self._whole / MEGABYTE:.1f}" if self._whole is not None else ""
            message = f"{self._moved[vm.name] / MEGABYTE:.1f}{of} MB"
            self._emit("op_progress", vm, {"op": "copy", "message": message})

    def done(self, vm: Vm, result: CopyResult) -> None:
        fields: dict[str, Any] = {"op": "copy", "elapsed_s": round(result.elapsed_s, 3)}
        if result.ok:
            self._emit("op_complete", vm, fields)
        else:
            error = {"severity": "error", "summary": result.error}
            self._emit("op_failed", vm, fields | {"error": error})

    def _emit(self, kind: str, vm: Vm, fields: Mapping[str, Any]) -> None:
        about = Subject(
            group=vm.group, vm=vm.name, connection=vm.connection, cloud=vm.cloud, region=vm.region
        )
        named = {"name": vm.name, **fields}
        self._listen(Event(kind=kind, mcis=self._here.name, env=self._here.env, subject=about, fields=named))

"""Reading a stack's state: which resources there are, and which operations never ended.

The default backend's file is read directly (a CLI start costs 0.3 s); every other backend is asked
through the CLI. Secrets stay encrypted either way.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mcis_iac.engine.diff import plain
from mcis_iac.engine.subjects import STACK, countable, key_of
from mcis_iac.errors import EngineError
from mcis_iac.model import NOTHING

IN_DOUBT = "in-doubt:"  # how the ids of creates begin of which nobody knows whether they made something


@dataclass(frozen=True, slots=True, kw_only=True)
class StateResource:
    """One resource of the state; `inputs` without secrets, `provider` is the provider's key."""

    key: str
    token: str
    urn: str
    id: str | None = None
    provider: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    leftover: bool = False  # the old one of a replacement, still to be deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An operation that never ended; `op` is creating, updating, deleting, reading or importing."""

    op: str
    resource: StateResource

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags it was begun with, by which its result can be found."""
        tags = self.resource.inputs.get("tags")
        return tags if isinstance(tags, Mapping) else {}


def resources(deployment: Mapping[str, Any]) -> tuple[StateResource, ...]:
    """What exists in clouds according to the state, in state order."""
    found = (_resource(raw) for raw in deployment.get("resources") or () if not in_doubt(raw))
    return tuple(resource for resource in found if countable(resource.token))


def made(deployment: Mapping[str, Any]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Key -> (id, outputs as the state has them) of everything that exists."""
    return {
        key_of(raw["urn"]): (raw["id"], raw.get("outputs") or {})
        for raw in deployment.get("resources") or ()
        if raw.get("id") and not raw.get("delete") and not in_doubt(raw)
    }


def pending(deployment: Mapping[str, Any]) -> tuple[Pending, ...]:
    """The operations that never ended, and the creates whose end nobody knows."""
    raw = deployment.get("pending_operations") or ()
    never_ended = [(str(one.get("type", "")), one["resource"]) for one in raw]
    unknown = [("creating", one) for one in deployment.get("resources") or () if in_doubt(one)]
    return tuple(Pending(op=op, resource=_resource(one)) for op, one in (*never_ended, *unknown))


def in_doubt(raw: Mapping[str, Any]) -> bool:
    """Whether an entry of the state is a create that was noted as unfinished (see `unfinished`)."""
    return bool(raw.get("pendingReplacement")) and str(raw.get("id") or "").startswith(IN_DOUBT)


def outputs(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    """The stack's outputs, secrets blinded."""
    stacks = (raw for raw in deployment.get("resources") or () if raw.get("type") == STACK)
    first: Mapping[str, Any] = next(stacks, NOTHING)
    values = first.get("outputs") or {}
    return {name: plain(value) for name, value in values.items()}


def without_outputs(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same state without the stack's outputs."""
    resources = [
        {**raw, "outputs": {}} if raw.get("type") == STACK else raw
        for raw in deployment.get("resources") or ()
    ]
    return {**deployment, "resources": resources}


def _resource(raw: Mapping[str, Any]) -> StateResource:
    provider = str(raw.get("provider") or "")
    return StateResource(
        key=key_of(raw["urn"]),
        token=raw["type"],
        urn=raw["urn"],
        id=(raw.get("id") or None) if not in_doubt(raw) else None,
        provider=provider.rpartition("::")[0].rpartition("::")[2] or None,
        inputs=plain(raw.get("inputs") or {}),
        leftover=bool(raw.get("delete")),
    )


def file_of(backend_url: str, project: str, stack: str) -> Path | None:
    """The checkpoint file of a `file://` backend; None for others."""
    folder = folder_of(backend_url)
    return folder and folder / ".pulumi" / "stacks" / project / f"{stack}.json"


def folder_of(backend_url: str) -> Path | None:
    """The directory of a `file://` backend; None for others."""
    parts = urlsplit(backend_url)
    return Path(unquote(parts.netloc + parts.path)) if parts.scheme == "file" else None


def read_file(path: Path) -> Mapping[str, Any]:
    """The deployment in a checkpoint file; ValueError when the file is damaged."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, Mapping) or not isinstance(data.get("checkpoint"), Mapping):
        text = "not a checkpoint"
        raise ValueError(text)
    latest = data["checkpoint"].get("latest") or {}
    if not isinstance(latest, Mapping):
        text = "no deployment in the checkpoint"
        raise ValueError(text)
    return latest


def write_copy(folder: Path, project: str, stack: str, deployment: Mapping[str, Any]) -> None:
    """Make a folder a `file://` backend with that one stack."""
    path = folder / ".pulumi" / "stacks" / project / f"{stack}.json"
    path.parent.mkdir(mode=0o700, parents=True)
    (folder / ".pulumi" / "meta.yaml").write_text("version: 1\n", encoding="utf-8")
    kept = {"stack": f"organization/{project}/{stack}", "latest": deployment}
    path.write_text(json.dumps({"version": 3, "checkpoint": kept}), encoding="utf-8")


def mend(path: Path, keep_in: Path) -> str:
    """Make a damaged checkpoint readable again from its backup; "" = it was fine, else what was done.

    A power cut can leave the newest file empty; the one before it is a step behind, and everything
    made since carries tags. EngineError when there is no sound backup either.
    """
    for written in (path, _backup(path), path.parents[2] / "meta.yaml"):
        _mend_attributes(written)
    if not path.exists():
        return ""
    try:
        read_file(path)
    except (ValueError, OSError) as damaged:
        read_backup(path)
        keep_in.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = keep_in / f"damaged-{path.name}"
        path.replace(kept)
        shutil.copyfile(_backup(path), path)
        return (
            f"the state file was damaged ({damaged}); its backup is used, the damaged one is kept as {kept}"
        )
    return ""


def _mend_attributes(path: Path) -> None:
    """Remove the note beside a file that a kill left half written.

    The backend replaces its files at one stroke, but not the `.attrs` beside them (media type and
    checksum); it reads on without one, and stops at a broken one.
    """
    attributes = path.with_name(path.name + ".attrs")
    try:
        json.loads(attributes.read_bytes())
    except FileNotFoundError:
        return
    except ValueError:
        attributes.unlink()


def read_backup(path: Path) -> Mapping[str, Any]:
    """The deployment in the backup of a checkpoint file; EngineError when that is damaged too."""
    try:
        return read_file(_backup(path))
    except (ValueError, OSError) as damaged:
        raise _lost(path) from damaged


def _backup(path: Path) -> Path:
    return path.with_name(path.name + ".bak")


def _lost(path: Path) -> EngineError:
    return EngineError(
        summary="the state file is damaged and has no sound backup",
        detail=f"{path} cannot be read.",
        hint="restore it from a copy, or remove it: what exists in the clouds carries the tags of this MCIS",
    )

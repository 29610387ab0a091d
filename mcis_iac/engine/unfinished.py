"""Creates whose end nobody knows, noted in the state until the next change looks for what they made.

An engine that is killed leaves them in the state by itself, as pending operations. One whose provider
dies, or loses its cloud in the middle of a create, only says that the create failed and forgets about
it, although the thing may exist. Left alone, the engine would make all of them a second time.

Those are noted here as what the engine calls pending replacements: what had to be deleted and is still
to be made again. Pending operations would be the natural form, but the engine's import drops them. This
one every backend keeps, and an engine that meets it makes the thing, or forgets it where it is no
longer declared. Ids tell our notes from the engine's own (`checkpoint.IN_DOUBT`).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError
from pulumi.automation.events import OpType

from mcis_iac.engine import checkpoint
from mcis_iac.engine.checkpoint import IN_DOUBT
from mcis_iac.engine.diff import SIGNATURE
from mcis_iac.engine.entries import filled
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import key_of
from mcis_iac.program.graph import Graph, Resource, Secret, refs

Made = Mapping[str, tuple[str, Mapping[str, Any]]]
MAKES = frozenset({"creating", "importing"})
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # what the engine's signature of a secret is
# The request may have reached the cloud; the answer did not reach the engine.
_DOUBT = re.compile(
    r"error reading from server|transport is closing|connection reset|broken pipe|\bEOF\b"
    r"|client connection lost|closed network connection"
    r"|timed? ?out|timeout|deadline exceeded|context cancell?ed"
    r"|internal ?(server ?)?error|service ?unavailable|bad ?gateway",
    re.IGNORECASE,
)
_NEVER_SENT = re.compile(r"transport: error while dialing", re.IGNORECASE)


def doubtful(texts: Iterable[str]) -> bool:
    """Whether a create that failed with those words may have made something all the same."""
    said = "\n".join(texts)
    return bool(_DOUBT.search(said)) and not _NEVER_SENT.search(said)


def note(session: Session, graph: Graph, begun: Mapping[str, Any]) -> tuple[str, ...]:
    """Write creates into the state; returns the keys of those that could be.

    `begun` has, by URN, what the engine's events tell of the resource that was to be made. McisError
    when the state cannot be written.
    """
    deployment = session.deployment()
    known = {one.resource.urn for one in checkpoint.pending(deployment)} | existing(deployment).keys()
    found = (_raw(session, graph, state, deployment) for urn, state in begun.items() if urn not in known)
    raw = [one for one in found if one]
    if raw:
        # The import drops what the engine itself left as pending.
        notes = {one["urn"]: doubted(one, deployment) for one in (*_pending(deployment), *raw)}
        _restore(session, {**deployment, "resources": in_place(deployment.get("resources") or (), notes)})
    return tuple(key_of(one["urn"]) for one in raw)


def _pending(deployment: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What the engine had begun to make; what exists until its replacement does stays as it is."""
    exists = existing(deployment)
    for one in deployment.get("pending_operations") or ():
        if one["type"] in MAKES and one["resource"]["urn"] not in exists:
            yield one["resource"]


def existing(deployment: Mapping[str, Any]) -> dict[str, str | None]:
    """URN -> id of what the state has, except leftovers and what is to be made again."""
    raw = deployment.get("resources") or ()
    return {
        one["urn"]: one.get("id")
        for one in raw
        if not one.get("delete") and not one.get("pendingReplacement")
    }


def doubted(raw: Mapping[str, Any], deployment: Mapping[str, Any]) -> dict[str, Any]:
    """A begun create as a note; it remembers the id of the one it was to replace."""
    before = (
        str(one.get("id") or "")
        for one in deployment.get("resources") or ()
        if one["urn"] == raw["urn"] and one.get("pendingReplacement")
    )
    id_ = IN_DOUBT + next(before, "").removeprefix(IN_DOUBT)
    return {**raw, "id": id_, "pendingReplacement": True}


def in_place(
    resources: Iterable[Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Resources with new ones, each in place of the one of its URN that is to be made again, else last.

    What depends on a resource has to come after it.
    """
    found: list[Mapping[str, Any]] = []
    left = dict(new)
    for one in resources:
        again = left.pop(one["urn"], None) if one.get("pendingReplacement") else None
        found.append(one if again is None else _after(found, again))
    return [*found, *left.values()]


def _after(others: Iterable[Mapping[str, Any]], raw: Mapping[str, Any]) -> dict[str, Any]:
    """A resource that depends on nothing but those; the next `up` writes down the rest again."""
    before = {one["urn"] for one in others}
    left = {name: value for name, value in raw.items() if name not in {"propertyDependencies", "deletedWith"}}
    return {**left, "dependencies": [urn for urn in raw.get("dependencies") or () if urn in before]}


def as_create(event: Any) -> Any:
    """An engine event that tells what nobody knows to exist as what it is: not there, to be created."""
    for name in ("resource_pre_event", "res_outputs_event", "res_op_failed_event"):
        step = getattr(event, name) and getattr(event, name).metadata
        if not step or step.old is None or not str(step.old.id or "").startswith(IN_DOUBT):
            continue
        if step.op is OpType.CREATE_REPLACEMENT:
            step.op, step.old, step.keys, step.diffs, step.detailed_diff = OpType.CREATE, None, [], [], {}
        else:  # the replacement as a whole, or that the note goes
            setattr(event, name, None)
    return event


# ---------------------------------------------------------------- what the engine would write


def _raw(session: Session, graph: Graph, begun: Any, deployment: Mapping[str, Any]) -> dict[str, Any] | None:
    """A resource as the engine writes it when it begins to make it; None when that cannot be told.

    What it depends on counts as soon as it is adopted: a `down` must not delete its network first.
    """
    by_key = {resource.key: resource for resource in graph.resources}
    there = {raw["urn"] for raw in deployment.get("resources") or ()}
    wanted = by_key.get(key_of(begun.urn))
    if wanted is None or not there.issuperset({begun.parent, begun.provider.rpartition("::")[0]}):
        return None
    try:
        inputs = _revealed(begun.inputs or {}, wanted.inputs, checkpoint.made(deployment))
    except LookupError:
        return None
    needs = (session.urn(by_key[key].token, key) for key in _needs(wanted))
    raw = {
        "urn": begun.urn,
        "custom": True,
        "type": begun.type,
        "inputs": inputs,
        "parent": begun.parent,
        "provider": begun.provider,
        "dependencies": [urn for urn in needs if urn in there],
        **_settings(session, wanted, by_key),
    }
    return {name: value for name, value in raw.items() if value}


def _needs(wanted: Resource) -> Iterator[str]:
    yield from dict.fromkeys(
        (*(ref.key for ref in refs(wanted.inputs) if not ref.implied), *wanted.options.depends_on)
    )


def _settings(session: Session, wanted: Resource, by_key: Mapping[str, Resource]) -> dict[str, Any]:
    options = wanted.options
    owner = options.deleted_with
    return {
        "additionalSecretOutputs": list(options.additional_secret_outputs),
        "ignoreChanges": list(options.ignore_changes),
        "retainOnDelete": options.retain_on_delete,
        "deletedWith": session.urn(by_key[owner].token, owner) if owner else "",
    }


def _revealed(shown: Any, wanted: Any, made: Made) -> Any:
    """What an event shows of inputs, with the secrets it hides; LookupError for one nobody knows."""
    if isinstance(wanted, Secret) or (isinstance(shown, Mapping) and SIGNATURE in shown):
        return {SIGNATURE: SECRET, "plaintext": json.dumps(_known(wanted, made))}
    if isinstance(shown, Mapping):
        inner = wanted if isinstance(wanted, Mapping) else {}
        return {name: _revealed(part, inner.get(name), made) for name, part in shown.items()}
    if isinstance(shown, list):
        items = (
            wanted if isinstance(wanted, list | tuple) and len(wanted) == len(shown) else [None] * len(shown)
        )
        return [_revealed(part, item, made) for part, item in zip(shown, items, strict=True)]
    return shown


def _known(wanted: Any, made: Made) -> Any:
    """The value of a secret, from the graph and what exists."""
    parts = [filled(ref, made) for ref in refs(wanted)]
    if wanted is None or not all(isinstance(part, str | int | float) for part in parts):
        raise LookupError
    return filled(wanted, made)


def _restore(session: Session, deployment: Mapping[str, Any]) -> None:
    """Replace the state by one with secrets in clear, which the engine encrypts.

    They go through a pipe: a file would be left on the disk by whoever is killed here.
    """
    text = json.dumps({"version": 3, "deployment": deployment})
    with tempfile.TemporaryDirectory(prefix="mcis-") as folder:
        pipe = Path(folder) / "state.json"
        os.mkfifo(pipe, 0o600)
        writer = threading.Thread(target=_write, args=(pipe, text), daemon=True)
        writer.start()
        try:
            session.run("stack", "import", "--file", str(pipe))
        except CommandError as failed:
            raise session.explain(failed, "import") from failed
        finally:
            # An engine that never came to read would leave the writer waiting for ever.
            os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
            writer.join()


def _write(pipe: Path, text: str) -> None:
    with contextlib.suppress(BrokenPipeError), pipe.open("w", encoding="utf-8") as file:
        file.write(text)

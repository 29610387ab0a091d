"""Before a stack is changed: adopt what unfinished creates made, and begin the others again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pulumi.automation import CommandError

from mcis_iac.engine import checkpoint, unfinished
from mcis_iac.engine.checkpoint import IN_DOUBT, Pending
from mcis_iac.engine.session import Session

Resolve = Callable[[Pending], str | None]
Raw = Mapping[str, Any]


def settle(session: Session, resolve: Resolve) -> list[str]:
    """Adopt or clear every operation that never ended; a sentence for each.

    The engine itself would create those resources a second time. McisError when what was adopted
    cannot be read; it is then looked for again the next time.
    """
    deployment = session.deployment()
    waiting = checkpoint.pending(deployment)
    if not waiting:
        return []
    adopted = _found(waiting, resolve, unfinished.existing(deployment))
    begun = {urn: raw for urn, raw in _begun(deployment).items() if urn in adopted}
    session.restore(_settled(deployment, {urn: _made(raw, adopted[urn]) for urn, raw in begun.items()}))
    if adopted:
        try:
            session.api.refresh(target=list(adopted))
        except CommandError as failed:
            again = {urn: unfinished.doubted(raw, deployment) for urn, raw in begun.items()}
            session.restore(_settled(deployment, again))
            raise session.explain(failed, "refresh") from failed
    return [_sentence(one, adopted.get(one.resource.urn)) for one in waiting]


def _found(waiting: Iterable[Pending], resolve: Resolve, exists: Mapping[str, str | None]) -> dict[str, str]:
    """URN -> id of what was made; what belongs to another resource of the state was not."""
    taken = set(exists.values())
    adopted: dict[str, str] = {}
    for one in waiting:
        urn = one.resource.urn
        found = resolve(one) if one.op in unfinished.MAKES and urn not in exists else None
        if found and found not in taken:
            adopted[urn] = found
            taken.add(found)
    return adopted


def _begun(deployment: Raw) -> dict[str, Raw]:
    """URN -> what was to be made."""
    pending = [one["resource"] for one in deployment.get("pending_operations") or ()]
    noted = [one for one in deployment.get("resources") or () if checkpoint.in_doubt(one)]
    return {one["urn"]: one for one in (*pending, *noted)}


def _made(begun: Raw, id_: str) -> dict[str, Any]:
    """What was begun as something that exists, until it is read from its cloud."""
    known = {name: value for name, value in begun.items() if name != "pendingReplacement"}
    return {**known, "id": id_, "outputs": begun.get("outputs") or begun.get("inputs") or {}}


def _settled(deployment: Raw, new: Mapping[str, Raw]) -> dict[str, Any]:
    """The deployment without operations that never ended, and with those resources."""
    left: list[Raw] = []
    for one in deployment.get("resources") or ():
        if one["urn"] in new or not checkpoint.in_doubt(one):
            left.append(one)
        elif before := one["id"].removeprefix(IN_DOUBT):
            left.append({**one, "id": before})  # still to be made again: others may depend on it
    return {**deployment, "resources": unfinished.in_place(left, new), "pending_operations": []}


def _sentence(one: Pending, adopted: str | None) -> str:
    if adopted:
        return f"{one.resource.key} had been created without our knowing; adopted it as {adopted}"
    return f"{one.resource.key}: {one.op} had never ended; it is begun again"

"""Connections that cannot be used: their cloud refuses us, does not answer, or something for it is missing.

One cloud's trouble is no reason to see nothing of the others: a preview goes on without it. Changes
are another matter: they are refused as a whole, before the first, with everything there is to repair.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from mcis_iac.clouds import registry
from mcis_iac.engine import scrub
from mcis_iac.engine.silence import Refused
from mcis_iac.errors import CredentialsError, ManifestError, McisError, NotFoundError, OperationError
from mcis_iac.model import Connection, Diff, Mcis, Outcome, Plan
from mcis_iac.pipeline import Silent, refusal
from mcis_iac.program import naming

REFUSED = "the cloud does not accept the credentials"
SEVERAL = "; "


def of(connection: Connection, error: McisError) -> Silent:
    """The connection with why it could not be asked, without secrets.

    Raises the error again when it is not about the cloud but about the manifest.
    """
    if isinstance(error, ManifestError):
        raise error
    told = [_clean(connection, text) for text in (error.summary, error.detail, error.hint)]
    refused = isinstance(error, CredentialsError)
    return Silent(
        connection=connection.name,
        cloud=connection.cloud,
        summary=told[0],
        detail=told[1],
        hint=told[2],
        exit_code=CredentialsError.exit_code if refused else OperationError.exit_code,
    )


def refused(connection: Connection, words: str) -> Silent:
    """The connection whose provider got those words from its cloud."""
    detail = _clean(connection, words)
    return Silent(
        connection=connection.name,
        cloud=connection.cloud,
        summary=REFUSED,
        detail=f"{connection.name}: {detail}",
        hint=advice(connection),
    )


def advice(connection: Connection) -> str:
    """What to do when its cloud refuses the credentials."""
    doctor = f"mcis doctor {connection.cloud}"
    sign_in = registry.graph(connection.cloud).SIGN_IN
    return SEVERAL.join(part for part in (sign_in, f"{doctor} says what is wrong") if part)


def _clean(connection: Connection, text: str) -> str:
    env: Mapping[str, str] = connection.settings.get("env") or {}
    renamed = {str(ours): str(theirs) for theirs, ours in env.items()}
    return scrub.scrub(text, scrub.values(os.environ, renamed))


# ---------------------------------------------------------------- around the engine

Look = Callable[[Collection[str]], Diff]


def shown(mcis: Mcis, plan: Plan, silent: Iterable[Silent], look: Look) -> tuple[Diff, tuple[Silent, ...]]:
    """The difference without the silent ones, and these with those that the engine found to be.

    `look` previews without the providers whose keys it gets. Raises the refusal when there is nothing
    left to look at, or when the rest cannot be previewed either.
    """
    found = {each.connection: each for each in silent}
    used = {member.connection for member in plan.members}
    while True:
        if found and not used - found.keys():
            raise refusal(counted(plan, found.values()))
        try:
            diff = look(tuple(naming.provider(name) for name in found))
        except Refused as no:
            fresh = {each.connection: each for each in _named(mcis, no.said) if each.connection not in found}
            if not fresh:
                raise
            found |= fresh
        except (OperationError, NotFoundError) as error:
            if not found:
                raise
            raise _with(refusal(counted(plan, found.values())), error) from error
        else:
            return diff, counted(plan, found.values())


def _named(mcis: Mcis, said: Mapping[str, str]) -> Iterator[Silent]:
    for name, connection in mcis.connections.items():
        words = said.get(naming.provider(name))
        if words is not None:
            yield refused(connection, words)


def counted(plan: Plan, silent: Iterable[Silent]) -> tuple[Silent, ...]:
    """Each with how many VMs it should have, by name."""
    names = [member.connection for member in plan.members]
    ordered = sorted(silent, key=lambda each: each.connection)
    return tuple(replace(each, vms=names.count(each.connection)) for each in ordered)


def _with(error: McisError, other: McisError) -> McisError:
    """The refusal, and what else is wrong; a name that is not found may be one of a silent connection."""
    if not isinstance(other, NotFoundError):
        error.detail = "\n".join(filter(None, (error.detail, f"and for the rest: {other}")))
    return error


# ---------------------------------------------------------------- after an operation


def notices(connections: Mapping[str, Connection], outcome: Outcome) -> tuple[str, ...]:
    """One sentence per connection that was refused in the middle of an operation: what to do about it."""
    found: dict[str, str] = {}
    for step in outcome.failed:
        if step.failure is None or step.failure.code != "credentials":
            continue
        for name in _whose(connections, step.subject.connection, step.token):
            found.setdefault(name, f"{name} was refused by its cloud: {advice(connections[name])}")
    return tuple(found[name] for name in sorted(found))


def _whose(connections: Mapping[str, Connection], named: str | None, token: str) -> list[str]:
    """The connection of a step, or those it may be of where only the state knows the resource."""
    if named is not None:
        return [named] if named in connections else []
    package = token.removeprefix("pulumi:providers:").partition(":")[0]
    return [name for name, each in connections.items() if package == registry.graph(each.cloud).PACKAGE]

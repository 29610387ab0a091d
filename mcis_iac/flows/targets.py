"""What `--target`, `--replace` and `-g/--vm` mean: names of groups and VMs, checked before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from mcis_iac.errors import NotFoundError


def vm_names(words: Sequence[str], known: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The VMs that GROUP or VM words mean, in the order of `known` (pairs of VM name and group).

    Raises NotFoundError for a word that is neither.
    """
    pairs = tuple(known)
    names = {name for name, _ in pairs}
    groups = {group for _, group in pairs}
    for word in words:
        if word not in names and word not in groups:
            refuse(word, names | groups)
    return tuple(name for name, group in pairs if name in words or group in words)


def refuse(word: str, known: Iterable[str], *, one: str = "group", other: str = "VM") -> None:
    """Raise NotFoundError, with what was probably meant."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.7)
    raise NotFoundError(
        summary=f"no such {one} or {other}",
        detail=f"`{word}` is neither a {one} nor a {other} of this MCIS",
        hint=f"did you mean `{close[0]}`?" if close else "mcis status lists them",
    )

"""Templates before anything is rendered: what is wrong with their text, and at which character.

Only read here, never run. `actions.templates` renders them; a test holds both to the same names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from mcis_iac.manifest.guess import listed, nearest

LONGEST = 1 << 20  # characters of a template, and of what it may become

NAMES = ("groups", "mcis", "namespace", "pick", "range", "select", "vm", "vms")
FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "indent", "int"),
    *("items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr"),
    *(
        "replace",
        "reverse",
        "round",
        "select",
        "selectattr",
        "sh",
        "sort",
        "string",
        "sum",
        "title",
        "tojson",
    ),
    *("trim", "truncate", "unique", "upper", "urlencode"),
)
VM_FIELDS = (
    *("address", "cloud", "connection", "group", "id", "labels", "location", "name", "ordinal", "private_ip"),
    *("public_ip", "region", "ssh_port", "type", "user", "zone"),
)

Flaw = tuple[int, str, str]  # at which character, what is wrong, what to do ("" = nothing to say)


def flaws(text: str, groups: Collection[str]) -> tuple[Flaw, ...]:
    """What is wrong with a template; nothing of it is run. `groups` are the names there are."""
    if "{" not in text:
        return ()
    from jinja2 import TemplateSyntaxError

    try:
        tree = _environment().parse(text)
        return tuple(_meaning(tree, groups))
    except TemplateSyntaxError as problem:
        message = re.sub(r" at \d+$", "", problem.message or "not a template")
        return ((min(problem.lineno, len(text)), message, ""),)
    except RecursionError:
        return ((0, "nested too deeply", ""),)


@cache
def _environment() -> Any:
    """An environment whose line numbers are the numbers of characters."""
    from jinja2 import Environment, TemplateSyntaxError
    from jinja2.lexer import Lexer

    class Characters(Lexer):
        def tokeniter(
            self, source: str, name: str | None, filename: str | None = None, state: str | None = None
        ) -> Iterator[tuple[int, str, str]]:
            at = 0
            try:
                for _, kind, value in super().tokeniter(source, name, filename, state):
                    # A `-` inside the braces takes white space away between two tokens.
                    at = max(at, source.find(value, at))
                    yield at, kind, value
                    at += len(value)
            except TemplateSyntaxError as problem:
                raise TemplateSyntaxError(problem.message or "", at) from problem

    class Reading(Environment):
        @property
        def lexer(self) -> Lexer:
            return Characters(self)

    reading = Reading(trim_blocks=True, keep_trailing_newline=True)
    reading.filters = dict.fromkeys(FILTERS, str)
    return reading


def _meaning(tree: Any, groups: Collection[str]) -> Iterator[Flaw]:
    from jinja2 import nodes

    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        yield node.lineno, "a template cannot take in other files", ""
    foreign = [node for node in tree.find_all(nodes.Filter) if node.name not in FILTERS]
    for node in foreign:
        yield node.lineno, f"there is no filter `{node.name}`", _instead(node.name, FILTERS, "filters")
    if not foreign:
        yield from _names(tree, groups)


def _names(tree: Any, groups: Collection[str]) -> Iterator[Flaw]:
    """Names that nothing has, and fields that the known ones do not have."""
    from jinja2 import meta, nodes

    missing = meta.find_undeclared_variables(tree) - set(NAMES)
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    for node in tree.find_all(nodes.Name):
        if node.ctx == "load" and node.name in missing:
            yield node.lineno, f"nothing is called `{node.name}`", _instead(node.name, NAMES, "there are")
    known = {"vm": VM_FIELDS, "groups": tuple(groups), "mcis": ("labels", "name")}
    for node in tree.find_all(nodes.Getattr):
        fields = known.get(getattr(node.node, "name", "")) if isinstance(node.node, nodes.Name) else None
        if fields is not None and node.node.name not in own and node.attr not in fields:
            detail = f"`{node.node.name}` has no `{node.attr}`"
            yield node.node.lineno, detail, _instead(node.attr, fields, "it has")


def _instead(word: str, known: Collection[str], what: str) -> str:
    guess = nearest(word, known)
    return f"did you mean `{guess}`?" if guess else f"{what}: {listed(known, word)}"

"""The rules of meaning (2xx) for connections and what they lead to: variables, networks already there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcis_iac.manifest import scene as scenes
from mcis_iac.manifest import schema
from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.guess import listed, nearest, short
from mcis_iac.manifest.nodes import Entry, plain
from mcis_iac.manifest.scene import Scene
from mcis_iac.model import Diagnostic, Related

# ---------------------------------------------------------------- variables


# What is in the name of a variable that nobody may have but the account it belongs to.
SECRET = re.compile("SECRET|KEY|TOKEN|PASSWORD|CREDENTIAL|CERTIFICATE")
WITHOUT_ACCOUNTS = ("local",)
ONE_EACH = "give each a variable of its own, or use one connection for both"


def variables(scene: Scene) -> Iterator[Diagnostic]:
    """No variable of the user stands for two things, or for one account under two names."""
    first: dict[str, tuple[Entry, Entry]] = {}
    for connection in scene.entries("connections"):
        told: set[str] = set()
        for variable in _variables(connection):
            here = (connection, variable)
            before = first.setdefault(str(variable.node.value), here)
            detail = _clash(before, here) if before[1] is not variable else ""
            if detail and detail not in told:  # the account is one, however many parts its keys have
                told.add(detail)
                related = (Related(span=before[1].span, label="used here"),)
                yield problem("MCIS224", variable.span, detail, hint=ONE_EACH, related=related)


def _variables(connection: Entry) -> Iterator[Entry]:
    node = connection.node.get("env")
    for entry in node.entries() if node is not None else ():
        if isinstance(entry.node.value, str):
            yield entry


def _clash(one: tuple[Entry, Entry], two: tuple[Entry, Entry]) -> str:
    """What is wrong with one variable in two places; "" = nothing."""
    (here, mine), (there, theirs) = one, two
    if mine.key != theirs.key:
        return f"`{short(str(mine.node.value))}` stands for {short(mine.key)} already"
    mine_all, theirs_all = _settings(here), _settings(there)
    if mine_all == theirs_all:
        return f"connections `{here.key}` and `{there.key}` are the same account"
    mine_all.pop("env", None)
    theirs_all.pop("env", None)
    if mine_all == theirs_all and SECRET.search(mine.key):
        return f"connection `{here.key}` has the same {short(mine.key)}"
    return ""  # the same keys to another role, project, subscription, ...


def _settings(connection: Entry) -> dict[str, object]:
    fields = connection.node.entries()
    return {field.key: plain(field.node) for field in fields if not field.key.startswith("x-")}


def accounts(scene: Scene) -> Iterator[Diagnostic]:
    """Two connections are two accounts, otherwise one of them is too many."""
    first: dict[str, Entry] = {}
    for connection in scene.entries("connections"):
        settings = _settings(connection)
        if settings.get("cloud") in WITHOUT_ACCOUNTS or "env" in settings or "cloud" not in settings:
            continue
        before = first.setdefault(repr(sorted(settings.items())), connection)
        if before is not connection:
            detail = f"the same account as connection `{before.key}`"
            related = (Related(span=before.key_span, label="declared here"),)
            yield problem("MCIS226", connection.key_span, detail, related=related)


# ---------------------------------------------------------------- networks that are there already


def existing(scene: Scene) -> Iterator[Diagnostic]:
    """Networks that are there already belong to a connection, and to a cloud that can have some."""
    forms = {form["x-cloud"]: form for form in schema.document()["$defs"]["existing"]["anyOf"]}
    for network in scene.entries("networks"):
        node = network.node.get("existing")
        for entry in node.entries() if node is not None else ():
            cloud = scenes.cloud_of(scene.root, entry.key)
            if cloud is None or cloud not in schema.document()["$defs"]["cloud"]["enum"]:
                if scene.lists("connections") and scene.root.entry("connections", entry.key) is None:
                    yield _unknown(scene, entry)
            elif cloud not in forms:
                yield problem(
                    "MCIS225", entry.key_span, f"there are no networks on {cloud} but those mcis makes"
                )


def _unknown(scene: Scene, entry: Entry) -> Diagnostic:
    used = (scenes.connection(scene, group) for group in scene.groups.values())
    known = dict.fromkeys((*scene.names("connections"), *(place[0] for place in used if place)))
    guess = nearest(entry.key, known)
    detail = f"did you mean `{guess}`?" if guess else f"no connection is called `{short(entry.key)}`"
    notes = (f"connections: {listed(known, entry.key)}",) if known else ()
    return problem("MCIS206", entry.key_span, detail, notes=notes)

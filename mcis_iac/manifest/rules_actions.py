"""The section `actions`: whom they are for, whether their templates can be read, and their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.guess import listed, nearest, short
from mcis_iac.manifest.inside import place
from mcis_iac.manifest.nodes import Entry, Lines, Node, plain
from mcis_iac.manifest.scene import Scene, misspelt
from mcis_iac.manifest.templating import LONGEST, flaws
from mcis_iac.model import Action, ActionFile, Diagnostic, Related

ALL = "all"
VM_NAME = re.compile(r"(.+)-[1-9][0-9]*")
SECONDS = {"s": 1, "m": 60, "h": 3600}


def check_actions(scene: Scene) -> Iterator[Diagnostic]:
    """Names are used once, `on` names somebody, and every template can be read."""
    node = scene.root.get("actions")
    first: dict[str, Entry] = {}
    for item in node.items() if node is not None else ():
        if not item.is_map:
            continue
        name = item.entry("name")
        if name is not None and isinstance(name.node.value, str):
            other = first.setdefault(name.node.value, name)
            if other is not name:
                related = (Related(span=other.span, label="first used here"),)
                yield problem("MCIS236", name.span, "used again", related=related)
            if not (item.entry("run") or item.entry("files") or misspelt(item, "action", "run", "files")):
                yield problem("MCIS102", name.span, "`run` or `files` is required in an action")
        yield from _targets(scene, item)
        yield from _texts(scene, item)


# ---------------------------------------------------------------- whom it is for


def _targets(scene: Scene, item: Node) -> Iterator[Diagnostic]:
    entry = item.entry("on")
    if entry is None or not scene.lists("groups"):
        return
    if entry.node.is_map:
        yield from _labels(scene, entry)
        return
    for one in entry.node.items() if entry.node.is_list else (entry.node,):
        word = one.value
        if not isinstance(word, str) or word == ALL or word in scene.groups:
            continue
        vm = VM_NAME.fullmatch(word)
        if vm is None or vm[1] not in scene.groups:
            known = (*scene.groups, ALL)
            guess = nearest(word, known)
            detail = f"did you mean `{guess}`?" if guess else f"no group and no VM is called `{short(word)}`"
            yield problem("MCIS235", one.span, detail, notes=(f"groups: {listed(scene.groups, word)}",))


def _labels(scene: Scene, entry: Entry) -> Iterator[Diagnostic]:
    labels = entry.node.get("labels")
    wanted = plain(labels) if labels is not None and labels.is_map else {}
    carried = [_carried(scene, group.node) for group in scene.groups.values()]
    if wanted and not any(wanted.items() <= one.items() for one in carried):
        words = ", ".join(f"{name}={value}" for name, value in wanted.items())
        there = sorted({f"{name}={value}" for one in carried for name, value in one.items()})
        note = f"labels of groups: {listed(there)}" if there else "no group has labels"
        yield problem("MCIS235", entry.span, f"no group carries {short(words)}", notes=(note,))


def _carried(scene: Scene, group: Node) -> Mapping[str, Any]:
    """The labels of a group's VMs: those of the whole and its own."""
    found: dict[str, Any] = {}
    for node in (scene.root.get("labels"), group.get("labels")):
        found |= {e.key: e.node.value for e in (node.entries() if node is not None else ())}
    return found


# ---------------------------------------------------------------- templates


def _texts(scene: Scene, item: Node) -> Iterator[Diagnostic]:
    run, files = item.get("run"), item.get("files")
    texts = [*(run.items() if run is not None else ())]
    for file in files.items() if files is not None else ():
        content, template = file.get("content"), file.entry("template")
        texts += [content] if content is not None else []
        if template is not None and isinstance(template.node.value, str):
            yield from _file(scene, template)
    for node in texts:
        if isinstance(node.value, str):
            for offset, detail, hint in flaws(node.value, tuple(scene.groups)):
                yield problem("MCIS233", place(node, offset, scene.texts), detail, hint=hint)


def _file(scene: Scene, entry: Entry) -> Iterator[Diagnostic]:
    text, wrong = read(entry.node.value, scene.folder)
    if wrong:
        yield problem("MCIS234", entry.span, wrong)
    shown = str(PurePath(entry.span.file).parent / entry.node.value)
    for offset, detail, hint in flaws(text, tuple(scene.groups)):
        if not scene.texts:  # who looks without texts looks at nothing but the manifest
            yield problem("MCIS233", entry.span, detail, hint=hint)
            continue
        span = Lines.of(text, shown).span(offset, min(offset + 1, len(text)))
        related = (Related(span=entry.span, label="used here"),)
        yield problem("MCIS233", span, detail, hint=hint, related=related)


def read(name: str, folder: Path) -> tuple[str, str]:
    """The text of a template file and what is wrong: (text, "") or ("", why). Lines end with \\n."""
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            return "", "outside of the manifest's folder"
        if not path.is_file():
            return "", f"no file {name} beside the manifest"
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except (OSError, ValueError) as exc:
        return "", f"cannot read it: {getattr(exc, 'strerror', None) or exc}"
    if len(data) > LONGEST:
        return "", "longer than 1 MiB"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        return "", f"not UTF-8 text (byte {exc.start})"
    return text.replace("\r\n", "\n"), ""


def excerpts(diagnostics: Iterable[Diagnostic], known: Mapping[str, str]) -> dict[str, str]:
    """The texts of template files that something is wrong with, by the names in the spans."""
    files = {found.span.file for found in diagnostics if found.code == "MCIS233" and found.span is not None}
    return {file: read(file, Path())[0] for file in sorted(files - set(known))}


# ---------------------------------------------------------------- values


def actions(scene: Scene) -> tuple[Action, ...]:
    """The actions in the order written; runs only on a manifest without errors."""
    node = scene.root.get("actions")
    return tuple(_action(plain(item), scene.folder) for item in (node.items() if node is not None else ()))


def _action(values: Mapping[str, Any], folder: Path) -> Action:
    on = values.get("on", ALL)
    words = () if isinstance(on, dict) else ((on,) if isinstance(on, str) else tuple(on))
    return Action(
        name=values["name"],
        on=() if ALL in words else tuple(dict.fromkeys(words)),
        labels=on["labels"] if isinstance(on, dict) else {},
        files=tuple(_action_file(file, folder) for file in values.get("files", ())),
        run=tuple(values.get("run", ())),
        when=values.get("when", "changed"),
        only=values.get("only", "each"),
        serial=values.get("serial"),
        continue_on_error=values.get("continue_on_error", False),
        timeout_s=seconds(values.get("timeout", "10m")),
        sudo=values.get("sudo", True),
    )


def _action_file(values: Mapping[str, Any], folder: Path) -> ActionFile:
    template = values.get("template", "")
    return ActionFile(
        path=values["path"],
        text=read(template, folder)[0] if template else values["content"],
        source=template,
        mode=values.get("mode", "0644"),
        owner=values.get("owner"),
    )


def seconds(text: str) -> float:
    """`90s`, `10m`, `1h` in seconds."""
    return float(int(text[:-1]) * SECONDS[text[-1]])

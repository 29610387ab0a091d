"""The files of an ejected project, and putting them into a folder. No file ever holds a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from mcis_iac import bundled
from mcis_iac.eject.alike import Alike, Row
from mcis_iac.eject.code import Raw, flat, mapping, printed, quoted
from mcis_iac.eject.layout import Module
from mcis_iac.eject.module import Writer, ordinal
from mcis_iac.eject.project import Page, Project
from mcis_iac.eject.spelling import LOCAL, snake
from mcis_iac.errors import McisError, UsageError
from mcis_iac.model import NOTHING
from mcis_iac.program.graph import Graph
from mcis_iac.program.typed import shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ejected:
    """A project: path -> text, and the config secrets that are in none of them."""

    files: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=lambda: NOTHING, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What is known of the stack beside its graph.

    `untyped` maps packages without a typed Python package to what has their plugin; `engine` are the
    settings of the stack's secrets as the engine wrote them; `backend` and `passphrase` tell where they are.
    `by_hand` has a sentence for each thing that mcis does and the program does not.
    """

    untyped: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    engine: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    backend: str = ""
    passphrase: str = ""
    by_hand: tuple[str, ...] = ()


def ejected(graph: Graph, stack: Stack) -> Ejected:
    """The whole project. McisError when a typed package is not installed."""
    project = Project(graph, frozenset(stack.untyped))
    pages = project.pages()
    context = _context(project, pages, stack)
    templates = _environment()

    def text(template: str, **more: Any) -> str:
        return templates.get_template(template).render(context | more)

    files = {
        "Pulumi.yaml": text("Pulumi.yaml.j2"),
        f"Pulumi.{graph.stack}.yaml": text("stack.yaml.j2"),
        "requirements.txt": text("requirements.txt.j2"),
        ".gitignore": text("gitignore.j2"),
        "README.md": text("README.md.j2"),
        "__main__.py": text("main.py.j2"),
        "common.py": text("common.py.j2"),
        "connections/__init__.py": "",
    }
    files |= {f"connections/{page.name}.py": text("connection.py.j2", page=page) for page in pages}
    files |= {f"boot/{name}": content for name, content in project.notes.boot.items()}
    if context["kinds"]:
        files[f"{LOCAL}.py"] = text("local_cloud.py.j2")
    return Ejected(files=files, secrets=dict(project.notes.secrets))


def write(directory: Path, made: Ejected) -> tuple[Path, ...]:
    """Write the files into an empty or new folder; UsageError, having written nothing, for any other."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        found = "is not empty" if directory.is_dir() else "is no folder"
        raise UsageError(
            summary="files are in the way",
            detail=f"{directory} {found}",
            hint="name an empty or a new folder: mcis eject DIR",
        )
    try:
        return tuple(_write(directory / name, text) for name, text in made.files.items())
    except OSError as exc:
        detail = f"{exc.filename or directory}: {exc.strerror or exc}"
        raise McisError(
            summary="cannot write the files", detail=detail, hint="name a folder where you may write"
        ) from exc


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return path


# ---------------------------------------------------------------- what the templates get


def _context(project: Project, pages: Sequence[Page], stack: Stack) -> dict[str, Any]:
    graph = project.graph
    mcis = project.mcis
    exports, needed = _exports(project)
    return {
        "project": graph.project,
        "stack": graph.stack,
        "name": mcis.name,
        "env": mcis.env or "",
        "pages": pages,
        "calls": [f"{module.name}.{function.name}" for module, function in project.layout.calls],
        "helpers": {name for page in pages for name in page.helpers} | set(needed),
        "inventory": bool(project.inventory),
        "exports": exports,
        "needed": needed,
        "config": dict(_counts(project)),
        "secrets": sorted(project.notes.secrets),
        "boot": bool(project.notes.boot),
        "requirements": list(_requirements(graph, stack)),
        "clouds": sorted({each.package for each in graph.resources}),
        "kinds": dict(_kinds(graph, stack)),
        "version": next((r.version for r in graph.resources if r.package in stack.untyped), ""),
        "package": next((r.package for r in graph.resources if r.package in stack.untyped), ""),
        "engine": stack.engine,
        "backend": stack.backend,
        "passphrase": stack.passphrase,
        "by_hand": stack.by_hand,
    }


def _counts(project: Project) -> Iterator[tuple[str, Any]]:
    """How many machines each group has; their numbers, where some are missing."""
    texts = "\n".join(project.texts.values())
    for group, vms in project.machines.items():
        if group in project.notes.counted or f"machines({quoted(group)})" in texts:
            numbers = [ordinal(vm) for vm in vms]
            yield group, len(vms) if numbers == list(range(1, len(vms) + 1)) else numbers


def _exports(project: Project) -> tuple[dict[str, str], list[str]]:
    """Outputs other than the inventory, as code, and what that needs of the common module."""
    writer = Writer(project, Module("", ""))
    others = {name: value for name, value in project.graph.outputs.items() if name != "inventory"}
    codes = {quoted(name): flat(Alike(writer, [Row()]).express([value])) for name, value in others.items()}
    needed = writer.helpers | ({"inventory"} if project.inventory else set())
    return codes, sorted(needed)


def _requirements(graph: Graph, stack: Stack) -> Iterator[str]:
    versions = {each.package: each.version for each in graph.resources if each.version}
    for package, version in sorted(versions.items()):
        if package in stack.untyped:
            yield f"{stack.untyped[package]}=={version}  # only for the plugin of package {package}"
        else:
            yield f"{shapes.distribution(package)}=={version}"


def _kinds(graph: Graph, stack: Stack) -> Iterator[tuple[str, list[str]]]:
    """Resource types without a typed class, with the outputs in use."""
    found: dict[str, dict[str, None]] = {}
    for each in graph.resources:
        if each.package in stack.untyped and each.provider is not None:
            outputs = found.setdefault(each.token.rpartition(":")[2], {})
            outputs.update(dict.fromkeys(each.outputs))
    for kind, outputs in found.items():
        yield kind, list(outputs)


# ---------------------------------------------------------------- templates


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(bundled.root("templates") / "eject"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["yaml"] = _yaml
    environment.filters["code"] = _tags
    environment.filters["snake"] = snake
    environment.filters["quoted"] = quoted
    return environment


def _yaml(value: Any) -> str:
    """A value as YAML: names stay plain, all else is JSON, which is YAML, too."""
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_.:-]*[A-Za-z0-9]", value)
    if plain and not re.fullmatch(r"(?i)yes|no|on|off|true|false|null", value):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _tags(value: Mapping[str, str]) -> str:
    code = mapping((name, Raw(quoted(text))) for name, text in value.items())
    return printed(code, before="TAGS = ").removeprefix("TAGS = ")

"""`mcis init`: the files of a new MCIS. Nothing that exists is ever overwritten."""

from __future__ import annotations

import re
from pathlib import Path

from mcis_iac import bundled
from mcis_iac.errors import McisError, UsageError
from mcis_iac.manifest.guess import listed

PLACEHOLDER = "{{ name }}"
SCHEMA = ".mcis.schema.json"

# Where each template goes; the schema beside them is what editors complete and check with.
FILES = {
    "mcis.yaml.j2": "mcis.yaml",
    "dev.yaml.j2": "dev.yaml",
    "gitignore.j2": ".gitignore",
    "ci.yml.j2": ".github/workflows/mcis.yml",
}


def scaffold(directory: Path, template: str = "local") -> tuple[Path, ...]:
    """Write manifest, overlay, `.gitignore`, CI file and schema; returns their paths.

    Raises UsageError, having written nothing, when one of them exists.
    """
    texts = _texts(template, _name(directory))
    taken = [path for path in map(directory.joinpath, texts) if path.exists() or path.is_symlink()]
    if directory.exists() and not directory.is_dir():
        taken = [directory]
    if taken:
        raise UsageError(
            summary="files are in the way",
            detail="\n".join(f"{path} exists" for path in taken),
            hint="name another folder: mcis init DIR",
        )
    try:
        return tuple(_write(directory / name, text) for name, text in texts.items())
    except OSError as exc:
        detail = f"{exc.filename or directory}: {exc.strerror or exc}"
        raise McisError(
            summary="cannot write the files", detail=detail, hint="name a folder where you may write"
        ) from exc


def _texts(template: str, name: str) -> dict[str, str]:
    folder = bundled.root("templates") / "init"
    known = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if template not in known:
        detail = f"there is no template `{template}`."
        raise UsageError(summary="unknown template", detail=detail, hint=f"templates: {listed(known)}")
    texts = {
        target: (folder / template / source).read_text(encoding="utf-8").replace(PLACEHOLDER, name)
        for source, target in FILES.items()
    }
    schema = bundled.root("schemas") / "v1" / "mcis.schema.json"
    return texts | {SCHEMA: schema.read_text(encoding="utf-8")}


def _name(directory: Path) -> str:
    """An MCIS is called like its folder, as far as a name can be."""
    words = re.sub(r"[^a-z0-9]+", "-", directory.absolute().name.lower()).strip("-")
    name = words.lstrip("0123456789-")[:32].rstrip("-")
    return name or "hello"


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return path

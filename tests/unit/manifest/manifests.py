"""Manifests in memory, for tests: no file is read or written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mcis_iac.manifest.load import Loaded, assemble
from mcis_iac.manifest.overlay import parse_sets
from mcis_iac.manifest.source import parse

HEAD = "version: 1\nname: edge\n"
HERE = "placement: {cloud: local, region: local-seoul}"
SMALL = f"{HEAD}groups:\n  web:\n    count: 3\n    {HERE}\n"

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdlbmVyYXRlZCBmb3IgYSB0ZXN0IG9ubHkhISEhISEh me@here"


def loaded(
    text: str, *, overlay: str | None = None, sets: Sequence[str] = (), folder: Path = Path("/nowhere")
) -> Loaded:
    """A manifest `mcis.yaml`, its overlay `prod.yaml` and `--set`, as `load` would give them."""
    sources = [parse(text, "mcis.yaml")]
    if overlay is not None:
        sources.append(parse(overlay, "prod.yaml"))
    if sets:
        sources.append(parse_sets(sets))
    return assemble(
        tuple(sources),
        env="prod" if overlay is not None else None,
        folder=folder,
        paths={"mcis.yaml": folder / "mcis.yaml", "prod.yaml": folder / "prod.yaml"},
    )


def codes(found: Loaded) -> list[str]:
    """The codes in order, without their common prefix."""
    return [diagnostic.code.removeprefix("MCIS") for diagnostic in found.diagnostics]


def only(found: Loaded, code: str):
    """The one diagnostic there is, which has that code."""
    assert codes(found) == [code]
    return found.diagnostics[0]


def marked(found: Loaded, diagnostic) -> str:
    """The text a diagnostic points at."""
    span = diagnostic.span
    return found.texts[span.file][span.index : span.end_index]

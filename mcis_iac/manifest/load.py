"""Files -> a checked Mcis: read, parse, merge, check, build; every problem at its place.

A problem in the content never raises: it is a diagnostic, and `mcis` is None when one is an error.
Only a manifest that is not there at all raises, because then there is no place to point at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mcis_iac.errors import ManifestError
from mcis_iac.manifest import build, check
from mcis_iac.manifest.diagnostics import failed, in_order, problem
from mcis_iac.manifest.examine import examine
from mcis_iac.manifest.guess import listed, nearest
from mcis_iac.manifest.nodes import Lines, Node, variants
from mcis_iac.manifest.overlay import SET_FILE, merge, parse_sets
from mcis_iac.manifest.rules_actions import excerpts
from mcis_iac.manifest.scene import scene
from mcis_iac.manifest.source import MAX_BYTES, Source, decode, parse
from mcis_iac.model import Diagnostic, Mcis

DEFAULT_FILE = "mcis.yaml"
NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A loaded manifest.

    `mcis` is None when it was refused; `drafts` are then its sound parts, for the checks of later
    stages (see `diagnostics.credible`).
    `diagnostics` are sorted by position. `texts` has the text of each file named in a span (and of
    `--set`), without a byte order mark; `paths` where those files are. `sources` are the layers,
    base first.
    """

    mcis: Mcis | None
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]
    paths: Mapping[str, Path]
    drafts: tuple[Mcis, ...] = ()
    sources: tuple[Source, ...] = ()
    env: str | None = None
    folder: Path = Path()


def load(file: str, *, env: str | None = None, sets: Sequence[str] = ()) -> Loaded:
    """Read a manifest (a folder means its mcis.yaml), its overlay and `--set`.

    Raises ManifestError when there is no manifest or it cannot be read.
    """
    path = manifest_path(file)
    name = shown(path)
    sources = [_source(_bytes(path), name)]
    paths = {name: path}
    loose: list[Diagnostic] = []
    if env is not None:
        found = _overlay(path, env)
        if isinstance(found, Diagnostic):
            loose.append(found)
        else:
            overlay = shown(found)
            sources.append(_source(found.read_bytes(), overlay))
            paths[overlay] = found
    if sets:
        sources.append(parse_sets(sets))
    folder = path.absolute().parent
    return assemble(tuple(sources), env=env, folder=folder, paths=paths, loose=loose)


def manifest_path(file: str) -> Path:
    """The manifest a user means; a folder means its mcis.yaml."""
    path = Path(file)
    return path / DEFAULT_FILE if path.is_dir() else path


def lock_path(mcis: Mcis) -> Path:
    """The lock of a manifest: `<stem>[.<env>].lock` beside it."""
    stem = Path(mcis.file).stem
    return mcis.folder / (f"{stem}.{mcis.env}.lock" if mcis.env else f"{stem}.lock")


def shown(path: Path) -> str:
    """A path as the user would type it: relative when it is below the working directory."""
    here = Path.cwd()
    whole = path if path.is_absolute() else here / path
    return (
        str(whole.relative_to(here)) if whole.is_relative_to(here) and ".." not in whole.parts else str(path)
    )


def _bytes(path: Path) -> bytes:
    try:
        if not path.exists():
            folder = "" if str(path.parent) == "." else f" {path.parent}"
            raise ManifestError(
                summary="no manifest",
                detail=f"{path} does not exist.",
                hint=f"name another file, or start one: mcis init{folder}",
            )
        if not path.is_file():
            raise ManifestError(summary="no manifest", detail=f"{path} is not a file.")
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise ManifestError(
            summary="cannot read the manifest", detail=f"{path}: {reason}", hint="check who may read it"
        ) from exc


def _source(data: bytes, name: str) -> Source:
    text, wrong = decode(data, name)
    if wrong is not None:
        return Source(file=name, text=text, root=None, diagnostics=(wrong,), lines=Lines.of(text, name))
    return parse(text, name)


def _overlay(manifest: Path, env: str) -> Path | Diagnostic:
    """The overlay file, or why it cannot be used."""
    if not NAME.fullmatch(env):
        detail = f"`-e {env}`: an environment is named like a group (lower-case letters, digits and `-`)"
        return problem("MCIS115", None, detail)
    path = manifest.with_name(f"{env}.yaml")
    if path == manifest:
        return problem("MCIS208", None, f"{shown(path)} is the manifest itself, not an overlay")
    try:
        if path.is_file():
            with path.open("rb"):
                return path
        reason = f"{shown(path)} does not exist"
        known = [other.stem for other in manifest.parent.glob("*.yaml") if other != manifest]
    except OSError as exc:
        reason, known = f"{shown(path)}: {exc.strerror}", []
    guess = nearest(env, known)
    hint = f"overlays here: {listed(known, env)}" if known else f"write {shown(path)}, or leave out -e"
    return problem("MCIS208", None, reason, hint=f"did you mean -e {guess}?" if guess else hint)


# ---------------------------------------------------------------- from texts on, no file is touched


def assemble(
    sources: tuple[Source, ...],
    *,
    env: str | None,
    folder: Path,
    paths: Mapping[str, Path],
    loose: Sequence[Diagnostic] = (),
) -> Loaded:
    """Merge and check parsed layers, base first, `--set` last; public key files are read."""
    found = [*loose, *(d for source in sources for d in source.diagnostics)]
    root = _merged(sources) if all(source.root is not None for source in sources) else None
    texts = {source.file: source.text for source in sources}
    if root is not None:
        found += (each for variant in variants(root) for each in examine(variant, folder, texts))
    else:
        for source in sources:
            found += _alone(source, base=source is sources[0])
    diagnostics = in_order(found, [source.file for source in sources])
    mcis, drafts = None, tuple[Mcis, ...]()
    if root is not None and not failed(diagnostics):
        mcis = build.mcis(scene(root, folder), file=sources[0].file, env=env)
    elif not failed(loose):  # without the overlay that was meant it is another manifest
        from mcis_iac.manifest.draft import drafts_of  # a valid manifest does not pay for it

        drafts = drafts_of(root, folder=folder, file=sources[0].file, env=env)
    return Loaded(
        mcis=mcis,
        drafts=drafts,
        diagnostics=diagnostics,
        texts={**excerpts(diagnostics, texts), **texts},
        paths=paths,
        sources=sources,
        env=env,
        folder=folder,
    )


def _merged(sources: Sequence[Source]) -> Node:
    roots = [source.root for source in sources if source.root is not None]
    whole = roots[0]
    for over in roots[1:]:
        # A layer that is no map replaces nothing as a whole; its own check says what is wrong.
        whole = merge(whole, over) if over.is_map or not whole.is_map else over
    return whole


def _alone(source: Source, *, base: bool) -> Iterator[Diagnostic]:
    """The shape of one layer while another one cannot be read."""
    if source.root is not None:
        for variant in variants(source.root):
            yield from check.check(variant, partial=not base or source.file == SET_FILE)


def with_text(loaded: Loaded, texts: Mapping[str, str]) -> Loaded:
    """The same manifest as if those files had other texts; nothing is written."""
    sources = tuple(
        parse(texts[source.file], source.file) if source.file in texts else source
        for source in loaded.sources
    )
    fresh = assemble(sources, env=loaded.env, folder=loaded.folder, paths=loaded.paths)
    return replace(fresh, paths=loaded.paths)

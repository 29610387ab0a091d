"""What every verb stands on: the manifest, the lock, the stack's home and its keys.

Verbs that change or preview need the whole manifest (`Ground`). Verbs that look at what exists, and
`down`, need only to know which stack is meant (`Standing`): they work when the manifest is broken.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mcis_iac.engine.home import StackCard, StackHome, read_card
from mcis_iac.errors import ManifestError, McisError, NotFoundError
from mcis_iac.manifest.diagnostics import credible, failed, in_order
from mcis_iac.manifest.load import DEFAULT_FILE, Loaded, load, lock_path, manifest_path
from mcis_iac.model import Connection, Diagnostic, Mcis
from mcis_iac.pipeline import Checked, Request
from mcis_iac.placement import lock as locks
from mcis_iac.placement.members import Settled, settle
from mcis_iac.placement.renames import taken_over

GENERATED = "generated"
# Stands for a login key that the first `up` will make: a preview makes nothing. Keys lose their comments,
# so it has no space after the kind.
NO_KEY_YET = "ssh-ed25519 AAAA(made-by-the-first-up)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A valid manifest with its lock and home."""

    request: Request
    loaded: Loaded
    mcis: Mcis
    lock: locks.Lock
    lock_path: Path
    home: StackHome


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which stack is meant, from the manifest or from what the last operation noted of it."""

    request: Request
    home: StackHome
    namespace: str
    name: str
    env: str | None
    backend: str | None
    connections: Mapping[str, Connection]
    protected: tuple[str, ...] = ()
    mcis: Mcis | None = None

    @property
    def stack(self) -> str:
        """`<name>[.<env>]`."""
        return f"{self.name}.{self.env}" if self.env else self.name

    @property
    def tags(self) -> dict[str, str]:
        """The tags everything of this MCIS carries."""
        ours = {"mcis": self.name, "mcis-namespace": self.namespace, "mcis-env": self.env}
        return {key: value for key, value in ours.items() if value}


def check(request: Request) -> Checked:
    """All problems of a manifest, as values; only a missing file raises."""
    return _checked(load(request.file, env=request.env, sets=request.sets))


def _checked(loaded: Loaded) -> Checked:
    """What every stage has to say that works offline; of a refused manifest, about its sound parts."""
    found, texts = list(loaded.diagnostics), dict(loaded.texts)
    for mcis in (loaded.mcis,) if loaded.mcis is not None else loaded.drafts:
        lock = _read_lock(mcis, found, texts, refused=loaded.mcis is None)
        settled = settle(mcis, lock, public_keys=_stand_ins(mcis, lock))
        found += credible(settled.diagnostics)
    bad = failed(found)
    ordered = in_order(found, tuple(loaded.texts))
    return Checked(mcis=None if bad else loaded.mcis, diagnostics=ordered, texts=texts)


def _read_lock(mcis: Mcis, found: list[Diagnostic], texts: dict[str, str], *, refused: bool) -> locks.Lock:
    """The lock, or an empty one with its problems noted."""
    try:
        return locks.read(lock_path(mcis))
    except ManifestError as error:
        found += error.diagnostics
        texts |= error.texts
    except McisError:
        if not refused:  # otherwise there is more to say than that the file cannot be read
            raise
    return locks.Lock()


def ground(request: Request) -> Ground:
    """Load everything or raise ManifestError with every problem."""
    loaded = load(request.file, env=request.env, sets=request.sets)
    mcis = loaded.mcis
    if mcis is None:
        raise _refusal(loaded)
    path = lock_path(mcis)
    try:
        lock = locks.read(path)
    except ManifestError as error:
        raise _refusal(loaded) from error
    home = StackHome.of(mcis.folder, mcis.stack)
    lock = taken_over(lock, mcis)
    return Ground(request=request, loaded=loaded, mcis=mcis, lock=lock, lock_path=path, home=home)


def _refusal(loaded: Loaded) -> ManifestError:
    """The error with all there is to repair before anything can be done."""
    checked = _checked(loaded)
    return _invalid(checked.diagnostics, checked.texts)


def _invalid(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str]) -> ManifestError:
    return ManifestError(summary="the manifest is not valid", diagnostics=diagnostics, texts=texts)


def raise_problems(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str]) -> None:
    """Raise ManifestError when there is an error among them."""
    if failed(diagnostics):
        raise _invalid(diagnostics, texts)


def place(
    ground: Ground, *, remove: Sequence[str] = (), retry_dropped: bool = False, make_key: bool = False
) -> Settled:
    """Decide where every VM goes; problems of placement raise ManifestError."""
    keys = public_keys(ground, make=make_key)
    settled = settle(ground.mcis, ground.lock, remove=remove, retry_dropped=retry_dropped, public_keys=keys)
    raise_problems(settled.diagnostics, ground.loaded.texts)
    return settled


def public_keys(ground: Ground, *, make: bool) -> dict[str, str]:
    """Key name -> public text: declared ones, and the generated one of this checkout if there is any.

    `make` creates a missing generated key. A generated key the lock names wins: it is the one a
    shared stack was made with.
    """
    keys = _stand_ins(ground.mcis, ground.lock)
    if not _needs_generated(ground.mcis) or GENERATED in ground.lock.keys:
        return keys
    from mcis_iac.actions.keys import ensure, public_of

    if make:
        keys[GENERATED] = ensure(ground.home.private_key)
    elif ground.home.private_key.exists():
        keys[GENERATED] = public_of(ground.home.private_key)
    return keys


def _needs_generated(mcis: Mcis) -> bool:
    return any(group.key == GENERATED for group in mcis.groups.values()) and GENERATED not in mcis.keys


def _stand_ins(mcis: Mcis, lock: locks.Lock) -> dict[str, str]:
    declared = {name: key.public_key for name, key in mcis.keys.items() if key.public_key}
    return {GENERATED: NO_KEY_YET, **lock.keys, **declared}


def shared(standing: Standing | Ground) -> bool:
    """Whether others use this stack's state: then its generated key belongs into the lock."""
    backend = os.environ.get("MCIS_BACKEND") or (
        standing.mcis.backend if isinstance(standing, Ground) else standing.backend
    )
    return bool(backend) and not str(backend).startswith("file://.mcis")


def lock_to_write(ground: Ground, settled: Settled) -> locks.Lock:
    """The lock as it is to be kept: a checkout's own key stays with the checkout."""
    if shared(ground):
        return settled.lock
    keys = {name: text for name, text in settled.lock.keys.items() if name != GENERATED}
    return replace(settled.lock, keys=keys)


def standing(request: Request) -> Standing:
    """Which stack is meant. A broken manifest is no obstacle when the stack was noted before."""
    try:
        loaded = load(request.file, env=request.env, sets=request.sets)
    except ManifestError:
        return _noted(request)
    if loaded.mcis is None:
        try:
            return _noted(request)
        except NotFoundError as error:
            raise _refusal(loaded) from error
    return of_mcis(request, loaded.mcis)


def of_mcis(request: Request, mcis: Mcis) -> Standing:
    """The standing of a loaded manifest."""
    return Standing(
        request=request,
        home=StackHome.of(mcis.folder, mcis.stack),
        namespace=mcis.namespace,
        name=mcis.name,
        env=mcis.env,
        backend=mcis.backend,
        connections=mcis.connections,
        protected=card_of(mcis).protected,
        mcis=mcis,
    )


def _noted(request: Request) -> Standing:
    """The stack as its last operation noted it, when there is exactly one candidate."""
    if not _was_manifest(request):
        raise NotFoundError(
            summary="no such MCIS",
            detail=f"{request.file} is no readable manifest, and no lock says that it was one",
            hint="name the manifest or its folder; a group or VM goes after --target, --group or --vm",
        )
    path = Path(request.file)
    folder = (path if path.is_dir() else path.parent).absolute()
    root = StackHome.of(folder, "")
    homes = [StackHome.of(folder, name) for name in root.other_stacks()]
    cards = [(home, card) for home in homes if (card := read_card(home)).env == request.env]
    if len(cards) != 1:
        raise NotFoundError(
            summary="no such MCIS",
            detail=f"{request.file} has no readable manifest, and {len(cards)} stacks are known beside it",
            hint="repair the manifest (mcis validate) or name its folder with -f",
        )
    return _of_card(request, *cards[0])


def _was_manifest(request: Request) -> bool:
    """Whether what the user named can be a manifest that is broken or gone.

    A word typed in the wrong place, such as a group's name, must not mean the stack that lies there.
    """
    path = manifest_path(request.file)
    env = f".{request.env}" if request.env else ""
    return path.name == DEFAULT_FILE or path.with_name(f"{path.stem}{env}.lock").exists()


def _of_card(request: Request, home: StackHome, card: StackCard) -> Standing:
    connections = {
        name: Connection(name=name, cloud=str(fields["cloud"]), settings=fields.get("settings") or {})
        for name, fields in card.connections.items()
    }
    return Standing(
        request=request,
        home=home,
        namespace=card.namespace,
        name=card.name,
        env=card.env,
        backend=card.backend,
        connections=connections,
        protected=card.protected,
    )


def card_of(mcis: Mcis) -> StackCard:
    """What later verbs must know of the stack when the manifest is broken or gone."""
    connections = {
        name: {"cloud": connection.cloud, "settings": dict(connection.settings)}
        for name, connection in mcis.connections.items()
    }
    return StackCard(
        namespace=mcis.namespace,
        name=mcis.name,
        env=mcis.env,
        backend=mcis.backend,
        connections=connections,
        protected=tuple(sorted(name for name, group in mcis.groups.items() if group.protect)),
    )

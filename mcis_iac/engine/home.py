"""Where one checkout keeps a stack: paths below `.mcis/`, its passphrase and its card.

Nothing here starts the engine; `status`, `exec` and `down` read the same folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mcis_iac.errors import McisError, NotFoundError
from mcis_iac.model import NOTHING

FOLDER = ".mcis"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackHome:
    """The folder of one stack: `<root>/<stack>`, with the state and passphrase of the checkout beside it.

    `root` is `<manifest folder>/.mcis`. Nothing exists before `create`.
    """

    root: Path
    stack: str

    @classmethod
    def of(cls, folder: Path, stack: str) -> StackHome:
        """The home of a stack whose manifest lies in `folder`."""
        return cls(root=folder.resolve() / FOLDER, stack=stack)

    @property
    def folder(self) -> Path:
        """What belongs to this stack alone."""
        return self.root / self.stack

    @property
    def state(self) -> Path:
        """The directory of the default file backend."""
        return self.root / "state"

    @property
    def passphrase_file(self) -> Path:
        """The generated passphrase, shared by the stacks of a checkout."""
        return self.root / "passphrase"

    @property
    def work(self) -> Path:
        """The engine's working directory: Pulumi.yaml and Pulumi.<stack>.yaml."""
        return self.folder / "work"

    @property
    def card(self) -> Path:
        """`stack.json`: what `down` and `status` need when the manifest is broken or gone."""
        return self.folder / "stack.json"

    @property
    def held(self) -> Path:
        """`held.json`: locked while an operation runs, names its owner."""
        return self.folder / "held.json"

    @property
    def inventory(self) -> Path:
        """`inventory.json`: the last known VMs."""
        return self.folder / "inventory.json"

    @property
    def seen(self) -> Path:
        """`seen.json`: how each VM was when its cloud was last asked."""
        return self.folder / "seen.json"

    @property
    def private_key(self) -> Path:
        """The generated login key."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Host keys of the VMs."""
        return self.folder / "known_hosts"

    @property
    def record(self) -> Path:
        """`record.jsonl`: what was done, one line each."""
        return self.folder / "record.jsonl"

    @property
    def runs(self) -> Path:
        """Reports and engine logs."""
        return self.folder / "runs"

    def create(self) -> None:
        """Make every directory (0700) and keep Git out of them."""
        with explained(self.root):
            for path in (self.root, self.state, self.folder, self.work, self.runs):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise _unwritable(self.folder, "permission denied")

    def remove(self) -> None:
        """Forget the stack: its folder goes, the checkout's state and passphrase stay."""
        with explained(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)

    def other_stacks(self) -> tuple[str, ...]:
        """Names of all stacks of the checkout that have a card, sorted."""
        if not self.root.is_dir():
            return ()
        return tuple(sorted(path.parent.name for path in self.root.glob("*/stack.json")))


@dataclass(frozen=True, slots=True, kw_only=True)
class StackCard:
    """What identifies a stack without its manifest; connections hold settings, never credentials."""

    namespace: str
    name: str
    env: str | None = None
    backend: str | None = None
    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: NOTHING)
    protected: tuple[str, ...] = ()  # groups marked `protect` when the stack was last changed

    @property
    def stack(self) -> str:
        """The stack's name: `<name>` or `<name>.<env>`."""
        return f"{self.name}.{self.env}" if self.env else self.name


def write_card(home: StackHome, card: StackCard) -> None:
    """Keep the card; nothing is written when it says the same already."""
    plain = replace(card, connections={})  # views of mappings cannot be copied
    connections = {name: dict(value) for name, value in card.connections.items()}
    data = asdict(plain) | {"connections": connections}
    text = json.dumps(data, indent=2, sort_keys=True) + "\n"
    if not home.card.exists() or home.card.read_text(encoding="utf-8") != text:
        replace_text(home.card, text)


def read_card(home: StackHome) -> StackCard:
    """The card, or NotFoundError when this checkout never made the stack."""
    try:
        data = json.loads(home.card.read_text(encoding="utf-8"))
        return StackCard(
            namespace=str(data["namespace"]),
            name=str(data["name"]),
            env=data.get("env"),
            backend=data.get("backend"),
            connections=data.get("connections") or {},
            protected=tuple(map(str, data.get("protected") or ())),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as missing:
        raise NotFoundError(
            summary="no such stack here",
            detail=f"{home.card} is missing or unreadable, so nothing is known of `{home.stack}`.",
            hint="run the command in the folder of the manifest, or `mcis up` first",
        ) from missing


def passphrase(home: StackHome) -> str:
    """The passphrase of the state's secrets: the user's, else one generated for this checkout."""
    if (given := os.environ.get("MCIS_PASSPHRASE")) is not None:
        return given
    if named := os.environ.get("MCIS_PASSPHRASE_FILE"):
        return _read_passphrase(Path(named).expanduser(), "MCIS_PASSPHRASE_FILE")
    if home.passphrase_file.exists():
        return _read_passphrase(home.passphrase_file, "the generated passphrase")
    with explained(home.root):
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _generate(home.passphrase_file)


def _generate(path: Path) -> str:
    """Write a new passphrase completely or not at all; of two processes the first one wins."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".passphrase-")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    Path(draft).unlink()
    return path.read_text(encoding="utf-8").strip()


def _read_passphrase(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as broken:
        raise McisError(
            summary="cannot read the passphrase of the state",
            detail=f"{what}: {path}: {broken}",
            hint="set MCIS_PASSPHRASE, or point MCIS_PASSPHRASE_FILE at a readable file",
        ) from broken


def replace_text(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old or the new text, never half of one."""
    with explained(path):
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def explained(path: Path) -> Any:
    """Turn an OSError inside into an error that names the path and what to do."""
    try:
        yield
    except OSError as broken:
        raise _unwritable(Path(broken.filename or path), broken.strerror or str(broken)) from broken


def _unwritable(path: Path, reason: str) -> McisError:
    named = os.environ.get("MCIS_DATA_DIR")
    shared = named is not None and path.is_relative_to(Path(named).expanduser().absolute())
    other = "point MCIS_DATA_DIR at one where you may write" if shared else "run mcis where you may write"
    return McisError(
        summary="cannot write mcis's own files" if shared else "cannot write the stack's files",
        detail=f"{path}: {reason}",
        hint=f"make the folder writable (and not full), or {other}",
    )

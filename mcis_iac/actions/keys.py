"""Login keys: the generated one of an MCIS, and which key opens which VM.

Nothing here prints or stores a private key anywhere but in its own file.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from mcis_iac.actions.files import create_private
from mcis_iac.errors import CredentialsError, McisError
from mcis_iac.model import NOTHING, Group, Key, Vm

GENERATED = "generated"
AGENT_VARIABLE = "SSH_AUTH_SOCK"

_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_OTHERS = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """The user's ssh agent, and which of its keys to use (None = any)."""

    socket: str
    public_key: str | None = None


LoginKey: TypeAlias = Path | Agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Which key opens which VM: by group, else the default (the generated key as a rule).

    `via` has, for groups that are not reached directly, the group that leads to them.
    """

    default: LoginKey
    by_group: Mapping[str, LoginKey] = field(default_factory=lambda: NOTHING)
    via: Mapping[str, str] = field(default_factory=lambda: NOTHING)

    def key_for(self, vm: Vm) -> LoginKey:
        """The key that opens this VM."""
        return self.by_group.get(vm.group, self.default)


def ensure(path: Path) -> str:
    """The public text of the generated key in that file, which is made when missing.

    ed25519, OpenSSH format, 0600, no comment. Two processes that make it at once end up with one.
    """
    try:
        if not path.exists():
            create_private(path, _new_key())
        if path.stat().st_mode & _OTHERS:
            path.chmod(0o600)
    except OSError as problem:
        raise McisError(
            summary="the login key cannot be written", detail=f"{path}: {problem.strerror or problem}"
        ) from problem
    return public_of(path)


def public_of(private: Path) -> str:
    """The public half ("type base64") of a private key file; CredentialsError if it is not one."""
    try:
        data = private.read_bytes()
        return _public_text(data) if data.lstrip().startswith(_BEGIN) else _public_of_pem(data)
    except FileNotFoundError as problem:
        raise _missing(private) from problem
    except (OSError, ValueError, binascii.Error) as problem:
        raise CredentialsError(
            summary="the login key is not readable",
            detail=f"{private}: {problem}",
            hint="it must be a private key that ssh understands",
        ) from problem


def login_key(generated: Path, key: Key | None) -> LoginKey:
    """What to log in with: the generated key (None), a declared key's file, or the ssh agent.

    Raises CredentialsError that names the file or the variable which is missing here.
    """
    if key is not None and key.agent:
        return _agent(key)
    declared = key is not None and key.name != GENERATED
    private = key.private_key_file if key is not None else None
    if declared and private is None:
        raise CredentialsError(
            summary="no private key is declared",
            detail=f"keys.{key.name if key else ''} has neither private_key_file nor agent: true",
        )
    path = (private or generated).expanduser()
    if not path.is_file():
        raise _missing(path, declared=key.name if declared and key else None)
    return path


def login(
    used: Iterable[str], groups: Mapping[str, Group], keys: Mapping[str, Key], generated: Path
) -> Login:
    """The keys for the VMs of those groups and of their jump hosts; only they have to be on this machine.

    VMs of a group that is no longer declared are opened with the generated key.
    """
    via = {name: group.via for name, group in groups.items() if group.via}
    by_group: dict[str, LoginKey] = {}
    wanted = list(dict.fromkeys(used))
    for name in wanted:
        declared = keys.get(groups[name].key) if name in groups else None
        by_group[name] = login_key(generated, declared)
        if name in via and via[name] not in wanted:
            wanted.append(via[name])
    return Login(default=generated, by_group=by_group, via=via)


def _agent(key: Key) -> Agent:
    socket = os.environ.get(AGENT_VARIABLE, "")
    if not socket:
        raise CredentialsError(
            summary="no ssh agent is running",
            detail=f"keys.{key.name} logs in through the agent, and {AGENT_VARIABLE} is not set",
            hint='eval "$(ssh-agent)" && ssh-add',
        )
    return Agent(socket=socket, public_key=key.public_key)


def _missing(path: Path, *, declared: str | None = None) -> CredentialsError:
    hint = (
        f"put the file there, or change keys.{declared}.private_key_file"
        if declared
        else "copy it from the checkout that ran `mcis up`, or declare a key of your own under `keys`"
    )
    return CredentialsError(
        summary="the private key is not on this machine", detail=f"{path} does not exist", hint=hint
    )


def _new_key() -> str:
    from mcis_iac.actions.lean import asyncssh

    return asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh").decode("ascii")


def _public_of_pem(data: bytes) -> str:
    from mcis_iac.actions.lean import asyncssh

    key = asyncssh.import_private_key(data)
    return " ".join(key.export_public_key().decode("ascii").split()[:2])


def _public_text(data: bytes) -> str:
    """Read the public half out of an OpenSSH key file.

    It stands there in clear even when the private half is encrypted, and reading it takes no
    library: asyncssh would cost every `preview` its import.
    """
    body = b"".join(line for line in data.split(b"\n") if not line.startswith(b"-----"))
    blob = base64.b64decode(body)
    if not blob.startswith(_MAGIC):
        message = "not an OpenSSH private key"
        raise ValueError(message)
    rest = blob[len(_MAGIC) :]
    for _ in ("cipher", "kdf", "kdf options"):
        _, rest = _take(rest)
    public, _ = _take(rest[4:])
    kind, _ = _take(public)
    return f"{kind.decode('ascii')} {base64.b64encode(public).decode('ascii')}"


def _take(data: bytes) -> tuple[bytes, bytes]:
    """The first length-prefixed string, and what follows it."""
    length = int.from_bytes(data[:4], "big")
    if len(data) < 4 + length:
        message = "the file is cut off"
        raise ValueError(message)
    return data[4 : 4 + length], data[4 + length :]

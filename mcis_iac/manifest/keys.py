"""Login keys: reading public halves from files, and telling what is wrong with them."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.nodes import Entry
from mcis_iac.manifest.scene import Scene
from mcis_iac.model import Diagnostic, Key

KINDS = frozenset(
    {
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)
LONGEST = 16 * 1024


def path_of(text: str, folder: Path) -> Path:
    """The file a manifest means: `~` is home, a relative path starts beside the manifest."""
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:  # ~nobody
        return folder / text


def what_is_wrong(text: str) -> str:
    """Why this is no public key of OpenSSH; "" when it is one."""
    if "PRIVATE KEY" in text:
        return "this is a private key"
    words = text.split()
    if text.strip().count("\n") or len(words) < 2 or words[0] not in KINDS:  # noqa: PLR2004
        return "expected one line such as ssh-ed25519 AAAA... name"
    try:
        blob = b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        return "the key after its kind is cut or altered"
    kind = words[0].encode()
    if blob[:4] != len(kind).to_bytes(4, "big") or blob[4 : 4 + len(kind)] != kind:
        return f"the key after its kind is not of kind {words[0]}"
    return ""


def read(path: Path) -> tuple[str | None, str]:
    """The public key in a file and what is wrong: (key, ""), (None, why), or (None, "") if absent."""
    try:
        if not path.exists():
            return None, ""
        if not path.is_file():
            return None, f"{path} is not a file"
        with path.open("rb") as file:
            text = file.read(LONGEST).decode("utf-8", "replace").strip()
    except (OSError, ValueError) as exc:
        return None, f"cannot read it: {getattr(exc, 'strerror', None) or exc}"
    wrong = what_is_wrong(text)
    return (None, wrong) if wrong else (text, "")


def key(entry: Entry, folder: Path) -> Key:
    """The key an entry of `keys` declares; checks come before, so nothing is reported here."""
    node = entry.node
    inline, file, private = (
        node.text("public_key"),
        node.text("public_key_file"),
        node.text("private_key_file"),
    )
    public = inline.strip() if inline is not None else None
    agent = node.get("agent")
    if file is not None:
        public, _ = read(path_of(file, folder))
        private = private or file.removesuffix(".pub") if file.endswith(".pub") else private
    return Key(
        name=entry.key,
        public_key=public,
        private_key_file=path_of(private, folder) if private else None,
        agent=agent is not None and agent.value is True,
    )


def check_keys(scene: Scene) -> Iterator[Diagnostic]:
    """Every declared key is one; a file that is not here is only a warning, the lock may have it."""
    for entry in scene.entries("keys"):
        inline, file = entry.node.entry("public_key"), entry.node.entry("public_key_file")
        private = entry.node.entry("private_key_file")
        if inline is not None and isinstance(inline.node.value, str):
            wrong = what_is_wrong(inline.node.value)
            if wrong:
                yield problem("MCIS219", inline.span, wrong)
        if file is not None and isinstance(file.node.value, str):
            yield from _file(file, scene.folder)
        if private is not None and str(private.node.value).endswith(".pub"):
            yield problem("MCIS223", private.span, "this is the public half")


def _file(entry: Entry, folder: Path) -> Iterator[Diagnostic]:
    path = path_of(entry.node.value, folder)
    public, wrong = read(path)
    if wrong:
        yield problem("MCIS219", entry.span, wrong)
    elif public is None:
        yield problem("MCIS220", entry.span, f"no file {path}; the public key is taken from the lock")

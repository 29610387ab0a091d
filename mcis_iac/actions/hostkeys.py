"""Host keys for machines that do not tell theirs: known before the first login, so that it can be strict.

They are derived, not stored: whoever can read the stack's secrets gets the same keys in every
checkout, and a preview shows what `up` will send. The private half travels to the machine in its
first-boot instructions and is only to be trusted until the machine has made a key of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from base64 import b64encode
from collections.abc import Iterable
from textwrap import wrap

from mcis_iac.model import HostKey

KIND = b"ssh-ed25519"
MAGIC = b"openssh-key-v1\0"
BLOCK = 8  # of an unencrypted private key, in OpenSSH's PROTOCOL.key
# A passphrase may be a word somebody chose, and what is derived from it can be read on the machines:
# each guess must cost something (RFC 7914: 16 MiB and some 50 ms).
COST = {"n": 1 << 14, "r": 8, "p": 1}


def derive(passphrase: str, stack: str, names: Iterable[str]) -> dict[str, HostKey]:
    """A key per VM name. `stack` tells stacks apart that share a passphrase."""
    wanted = list(names)
    if not wanted:
        return {}
    seed = hashlib.scrypt(passphrase.encode(), salt=b"mcis host keys\0" + stack.encode(), dklen=32, **COST)
    return {name: _key(hmac.digest(seed, name.encode(), "sha256")) for name in wanted}


def _key(secret: bytes) -> HostKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    blob = _text(KIND) + _text(public)
    shown = f"{KIND.decode()} {b64encode(blob).decode()}"
    return HostKey(public=shown, private=_armored(_whole(secret, public, blob)))


def _whole(secret: bytes, public: bytes, blob: bytes) -> bytes:
    """The file OpenSSH reads. Its check number is usually random; equal keys shall have equal bytes."""
    check = hashlib.sha256(public).digest()[:4]
    inner = check * 2 + blob + _text(secret + public) + _text(b"")
    inner += bytes(range(1, 1 + -len(inner) % BLOCK))
    return MAGIC + _text(b"none") * 2 + _text(b"") + struct.pack(">I", 1) + _text(blob) + _text(inner)


def _text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _armored(value: bytes) -> str:
    lines = wrap(b64encode(value).decode(), 70)
    return "\n".join(("-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----", ""))

"""SSH host keys, made before the machine exists so that the first connection can be strict."""

from __future__ import annotations

from typing import NamedTuple

from cryptography.hazmat.primitives import serialization as codec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class HostKey(NamedTuple):
    """Both halves in OpenSSH's own format; the private one ends with a newline."""

    private: str
    public: str

    def __repr__(self) -> str:
        return f"HostKey(public={self.public!r})"


def generate() -> HostKey:
    """A new ed25519 pair."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(codec.Encoding.PEM, codec.PrivateFormat.OpenSSH, codec.NoEncryption())
    public = key.public_key().public_bytes(codec.Encoding.OpenSSH, codec.PublicFormat.OpenSSH)
    return HostKey(private=private.decode(), public=public.decode())

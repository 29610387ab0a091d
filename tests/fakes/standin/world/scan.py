"""Looking for secrets in everything that was written or told."""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fakes.standin.lab import encodings

# The beginning of something compressed, in base64.
PACKED = re.compile(rb"H4sI[A-Za-z0-9+/\s]{24,}={0,2}")


def texts(folders: Iterable[Path], told: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """(where, content) of every file below the folders and of what was told."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path), path.read_bytes()
    for where, text in told.items():
        yield where, text.encode()


def found(secrets: Iterable[str], where: Iterable[tuple[str, bytes]]) -> set[tuple[str, str]]:
    """(where, secret) wherever one of them stands: as it is, in base64, compressed."""
    forms = {form: secret for secret in secrets for form in encodings(secret)}
    return {
        (name, secret)
        for name, content in where
        for layer in _layers(content)
        for form, secret in forms.items()
        if form in layer
    }


def _layers(content: bytes) -> Iterator[bytes]:
    yield content
    if content[:2] == b"\x1f\x8b":
        yield from _layers(_unpacked(content))
    for text in PACKED.findall(content):
        try:
            packed = base64.b64decode(b"".join(text.split()), validate=True)
        except binascii.Error:
            continue
        yield from _layers(_unpacked(packed))


def _unpacked(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return b""

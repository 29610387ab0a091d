"""asyncssh, imported without its search for libraries that we have no use for.

It looks for liboqs and nettle (post-quantum key exchange, umac), of which we offer nothing; where they
are not installed, Python's search runs ldconfig, gcc and ld, several times: a fifth of the import.
"""

from __future__ import annotations

import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _no_search() -> Iterator[None]:
    search = ctypes.util.find_library
    ctypes.util.find_library = lambda name: None  # noqa: ARG005
    try:
        yield
    finally:
        ctypes.util.find_library = search


with _no_search():
    import asyncssh

__all__ = ["asyncssh"]

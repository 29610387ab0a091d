"""Numbers for things that Azure wants numbered: priorities of security rules, LUNs of disks.

A number that is a position would move when the manifest is reordered, and a plain hash may meet another.
So everything has an endless list of numbers of its own, made from its name, and takes the first that
nobody before it (in an order made from names as well) has taken. Reordering moves nothing; a newcomer
moves another one only if it wants the very number that one has and comes before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping


def numbered(names: Iterable[str], numbers: range) -> Mapping[str, int]:
    """A number of its own for every name; ValueError when there are more names than numbers."""
    wanted = sorted(set(names), key=lambda name: (_digest(name, 0), name))
    if len(wanted) > len(numbers):
        problem = f"{len(wanted)} names do not fit into {len(numbers)} numbers"
        raise ValueError(problem)
    taken: dict[int, str] = {}
    return {name: _take(name, numbers, taken) for name in wanted}


def _take(name: str, numbers: range, taken: dict[int, str]) -> int:
    attempt = 0
    while True:
        number = numbers[_digest(name, attempt) % len(numbers)]
        if taken.setdefault(number, name) == name:
            return number
        attempt += 1


def _digest(name: str, attempt: int) -> int:
    text = f"{name}\0{attempt}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")

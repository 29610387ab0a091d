"""Our tags in Google's forms: labels where a thing takes them, a description where it does not.

Networks, subnetworks, firewalls and routers have no labels. Their description says whose they are,
in words that never change for one stack, so that it replaces nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from mcis_iac.model import Mcis

LIMIT = 63
SUFFIX = 5  # a dash and four hex digits
OWNER = ("mcis", "mcis-namespace", "mcis-env")
_OTHER = re.compile(r"[^a-z0-9_-]")


def labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as labels: lower case, `_` for what is not allowed, a mark where two would become one."""
    found = {key: value(text) for key, text in tags.items() if _key(key) == key}
    for key in sorted(tags.keys() - found.keys()):
        name = _key(key)
        if name in found:
            digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
            name = f"{name[: LIMIT - SUFFIX]}-{digest[: SUFFIX - 1]}"
        found[name] = value(tags[key])
    return found


def value(text: str) -> str:
    """A value as a label may have it."""
    return _OTHER.sub("_", text.lower())[:LIMIT]


def _key(text: str) -> str:
    plain = value(text)
    return plain if plain[:1].isalpha() else f"l{plain}"[:LIMIT]


def changed(tags: Mapping[str, str]) -> Iterator[str]:
    """The keys that do not arrive as they were written, they or their values."""
    made = labels(tags)
    yield from (key for key, text in tags.items() if made.get(key) != text)


def description(mcis: Mcis) -> str:
    """Whose a thing is, for what has no labels."""
    owner = {"mcis": mcis.name, "mcis-namespace": mcis.namespace, "mcis-env": mcis.env}
    return " ".join(f"{key}={text}" for key, text in owner.items() if text)


def described(text: str) -> dict[str, str]:
    """The tags in a description; nothing when it is not one of ours."""
    words = dict(word.split("=", 1) for word in text.split() if "=" in word)
    return {key: words[key] for key in OWNER if key in words} if "mcis" in words else {}

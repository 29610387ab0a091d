"""Tags in OpenStack's two forms: metadata of servers and volumes, words on everything in the network.

Limits are those of the APIs' own schemas: metadata keys and values have at most 255 characters, a
network tag 60 and no comma (lists of tags are separated by commas) and no slash (it is part of a URL).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

METADATA_LIMIT = 255
ITEMS_LIMIT = 128  # Nova's `quota.metadata_items` where an operator sets no other
TAG_LIMIT = 60
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_:. -]")


def metadata(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags as metadata; a character that keys cannot have becomes `_`."""
    return {
        _NOT_IN_KEYS.sub("_", name)[:METADATA_LIMIT]: value[:METADATA_LIMIT] for name, value in tags.items()
    }


def words(tags: Mapping[str, str]) -> list[str]:
    """The tags as `name=value`, sorted; what does not fit is left out."""
    return sorted(f"{name}={value}" for name, value in tags.items() if fits(name, value))


def fits(name: str, value: str) -> bool:
    """Whether a label can be a network tag."""
    return len(name) + len(value) < TAG_LIMIT and not {",", "/"} & set(name + value)


def read(found: Iterable[str]) -> dict[str, str]:
    """Tags from their words; words of others are no tags of ours."""
    pairs = (word.partition("=") for word in found)
    return {name: value for name, equals, value in pairs if equals}

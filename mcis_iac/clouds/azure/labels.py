"""Labels as tags of Azure: any letters, except a few in names, and a length."""

from __future__ import annotations

NAME_LIMIT = 512
VALUE_LIMIT = 256
TAGS_LIMIT = 50
OURS = 5  # mcis, namespace, env, group, vm
_FORBIDDEN = str.maketrans(dict.fromkeys("<>%&\\?/", "_"))


def tag_name(label: str) -> str:
    """The name of the tag a label becomes."""
    return label.translate(_FORBIDDEN)[:NAME_LIMIT]


def tag_value(value: str) -> str:
    """The value of the tag a label becomes."""
    return value[:VALUE_LIMIT]

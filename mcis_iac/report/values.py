"""Values as plain data, and plain data as JSON or YAML: what `-o json` and `-o yaml` print."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """Dataclasses become maps, tuples lists, money decimal strings, paths text; order is kept."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal | Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def as_json(value: Any) -> str:
    """Indented JSON, non-ASCII as it is, without a newline at the end."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def as_yaml(value: Any) -> str:
    """Block YAML in the value's own order, without a newline at the end."""
    import yaml

    text: str = yaml.safe_dump(plain(value), sort_keys=False, allow_unicode=True, width=1_000_000)
    return text.removesuffix("\n").removesuffix("\n...")


def structured(value: Any, form: str) -> str:
    """The value as `json` or `yaml`."""
    return as_yaml(value) if form == "yaml" else as_json(value)

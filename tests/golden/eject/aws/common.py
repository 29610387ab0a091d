"""What the modules of all connections share: the configuration, names, first boots."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pulumi

config = pulumi.Config()

# What is known of every machine, by name; the output of the stack.
inventory: dict[str, dict[str, Any]] = {}


def members(group: str) -> list[int]:
    """The numbers of a group's machines; the configuration has how many, or which are left."""
    wanted = config.require_object(group)
    return list(range(1, wanted + 1)) if isinstance(wanted, int) else wanted


def unique(key: str) -> str:
    """The name in a cloud of what has that logical name: readable, and no other stack's."""
    identity = "\0".join(("default", "shop", "prod", key))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:6]
    words = re.sub("[^a-z0-9]+", "-", f"shop-{key}".lower())
    return f"{words[:56].strip('-')}-{digest}"


def boot(name: str, **words: pulumi.Input[str | None]) -> pulumi.Output[str]:
    """What a machine does at its first boot: a file of `boot/`, its @{words} filled in."""
    text = (Path(__file__).parent / "boot" / name).read_text()

    def filled(known: dict[str, str | None]) -> str:
        def word(found: re.Match[str]) -> str:
            # Of a value of several lines each is indented like the first.
            indent = found[1] or ""
            return indent + (known[found[2]] or "").replace("\n", f"\n{indent}")

        return re.sub(r"(?m)(^[ \t]*)?@\{(\w+)\}", word, text)

    return pulumi.Output.from_input(words).apply(filled)


def host_key(vm: str) -> pulumi.Output[str]:
    """The private SSH host key of a machine, a secret; without one it makes its own."""
    keys = config.get_secret_object("hostKeys") or pulumi.Output.secret({})
    return keys.apply(lambda known: known.get(vm, ""))

"""One tree against everything the manifest alone can tell: its shape, then its meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mcis_iac.manifest import check, rules
from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.nodes import Node
from mcis_iac.manifest.scene import scene, too_much
from mcis_iac.model import NOTHING, Diagnostic

# Codes that point at keys, where what stands below them may have problems of its own.
NAMES = ("MCIS101", "MCIS102", "MCIS115")


def examine(root: Node, folder: Path, texts: Mapping[str, str] = NOTHING) -> Iterator[Diagnostic]:
    """All problems of a merged tree, in no order; public key files and templates are read.

    With the `texts` of its files, what is wrong inside a scalar is shown there, else at the scalar.

    What has the wrong shape is not asked for its meaning.
    """
    shape = tuple(check.check(root))
    yield from shape
    defaults = too_much(root)
    if defaults is not None:
        yield problem("MCIS110", defaults.key_span, "too much to merge into so many groups")
        return
    refused = {found.span for found in shape if found.code not in NAMES}
    yield from (found for found in rules.check(scene(root, folder, texts)) if found.span not in refused)

"""One tree against everything the manifest alone can tell: its shape, then its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mcis_iac.manifest import check, rules
from mcis_iac.manifest.diagnostics import problem
from mcis_iac.manifest.nodes import Node
from mcis_iac.manifest.scene import scene, too_much
from mcis_iac.model import Diagnostic


def examine(root: Node, folder: Path) -> Iterator[Diagnostic]:
    """All problems of a merged tree, in no order; public key files are read."""
    yield from check.check(root)
    defaults = too_much(root)
    if defaults is not None:
        yield problem("MCIS110", defaults.key_span, "too much to merge into so many groups")
        return
    yield from rules.check(scene(root, folder))

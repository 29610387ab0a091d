"""What runs as the first process of a machine stays small and loads nothing of the image's."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mcis_iac.local_cloud.netns import guest

FOLDER = Path(guest.__file__).parent
LIGHT = {
    *(
        "__future__",
        "_socket",
        "collections.abc",
        "ctypes",
        "json",
        "os",
        "signal",
        "struct",
        "sys",
        "typing",
    ),
    "mcis_iac.local_cloud.netns.guest",
}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_a_module_of_the_guest_imports_only_light_ones_and_all_at_its_top(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            assert {name.name for name in statement.names} <= LIGHT
        if isinstance(statement, ast.ImportFrom):
            assert statement.module in LIGHT
    inside = [
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and (path.name, function.name) != ("spawner.py", "probe")
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inside

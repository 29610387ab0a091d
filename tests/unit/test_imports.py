"""Who may import whom: the stages of the pipeline point one way, and costly packages stay in their place.

Statements are read, functions included; what a process happens to have loaded proves nothing.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "mcis_iac"
SHARED = {"model", "results", "errors", "bundled", "__init__"}

# what every cloud may import
CLOUD = {"clouds.base", "clouds.boot", "clouds.common", "program.graph", "program.naming"}
# package -> what of ours it may import, beside itself and the shared three
OURS: dict[str, set[str]] = {
    "manifest": set(),
    "placement": {
        "clouds.base",
        "clouds.registry",
        "manifest.source",
        "manifest.schema",
        "manifest.diagnostics",
    },
    "program.graph": set(),
    "program.naming": set(),
    "program": {"clouds.base", "clouds.registry"},
    "clouds.base": {"program.graph"},
    "clouds.registry": {"clouds.base"},
    "clouds.peers": {"clouds.common", "clouds.registry", "program.graph"},
    "clouds.boot": {"program.graph"},
    "clouds.common": {"clouds.base", "clouds.boot", "program.graph", "program.naming"},
    "clouds.aws": CLOUD | {"clouds.peers"},
    "clouds.azure": CLOUD | {"clouds.peers"},
    "clouds.gcp": CLOUD | {"clouds.peers"},
    "clouds.local": CLOUD | {"local_cloud"},
    "clouds.openstack": CLOUD | {"clouds.peers"},
    "local_cloud": set(),
    "engine.events": set(),
    "engine": {"program"},
    "actions": {"clouds.base", "clouds.registry"},
    "report": {"manifest.diagnostics", "engine.events", "pipeline"},
    "eject": {"program"},
    "flows": {"manifest", "placement", "program", "clouds", "eject", "engine", "actions", "pipeline"},
    "answers": set(),
    "pipeline": {"answers", "manifest", "placement", "program", "clouds", "engine", "actions", "flows"},
    "cli": {"pipeline", "report", "engine.events", "manifest.explain", "manifest.scaffold"},
}

# third party package -> the only places that may import it
THEIRS: dict[str, set[str]] = {
    "yaml": {"manifest", "placement.lock", "clouds", "local_cloud", "program.render", "report"},
    "jsonschema": {"manifest"},
    "pulumi": {
        "eject",
        "engine",
        "local_cloud",
        "program.awaiting",
        "program.interpreter",
        "program.quiet",
        "program.sparing",
        "program.typed",
    },
    "grpc": {"local_cloud"},
    "azure": {"clouds.azure"},
    "boto3": {"clouds.aws"},
    "botocore": {"clouds.aws"},
    "jinja2": {"eject", "program", "actions", "report", "manifest"},
    "asyncssh": {"actions", "local_cloud"},
    "openstack": {"clouds.openstack"},
    "keystoneauth1": {"clouds.openstack"},
    "cryptography": {"actions.hostkeys", "local_cloud"},
    "rich": {"report"},
    "click": {"cli", "local_cloud.tool"},
    "platformdirs": {"engine", "local_cloud", "cli", "pipeline"},
}


def modules() -> Iterator[tuple[str, Path]]:
    """Dotted names below the package, `manifest.source`, with their files."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__") or "__init__", path


def imported(path: Path) -> Iterator[str]:
    """Absolute names of every import statement in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def covers(prefix: str, name: str) -> bool:
    """Whether a dotted name is that prefix or lies below it."""
    return name == prefix or name.startswith(prefix + ".")


def rule_of(module: str, table: dict[str, set[str]]) -> str | None:
    """The most specific row for a module."""
    rows = [row for row in table if covers(row, module)]
    return max(rows, key=len, default=None)


@pytest.mark.parametrize("module,path", [pytest.param(m, p, id=m) for m, p in modules()])
def test_a_module_imports_only_what_its_stage_may(module: str, path: Path) -> None:
    row = rule_of(module, OURS)
    allowed = OURS.get(row or "", set())
    home = module.split(".", maxsplit=1)[0]
    for name in imported(path):
        if not name.startswith("mcis_iac."):
            continue
        target = name.removeprefix("mcis_iac.")
        if not any(
            (PACKAGE / p).exists() for p in (f"{target.replace('.', '/')}.py", target.replace(".", "/"))
        ):
            continue  # a name inside a module whose import is looked at too
        if target.split(".")[0] in SHARED or target == home:
            continue
        if module not in SHARED and (
            row is None or home == "clouds" or row in {"program.graph", "program.naming"}
        ):
            mine = covers(row or module, target)
        else:
            mine = covers(home, target)
        fine = mine or any(covers(a, target) or a.startswith(target + ".") for a in allowed)
        assert fine, f"{module} imports {target}"


@pytest.mark.parametrize("module,path", [pytest.param(m, p, id=m) for m, p in modules()])
def test_a_costly_package_is_imported_only_in_its_place(module: str, path: Path) -> None:
    for name in imported(path):
        places = THEIRS.get(name.split(".")[0])
        if places is not None:
            assert any(covers(place, module) for place in places), f"{module} imports {name}"


def test_only_the_engine_drives_the_automation_api() -> None:
    for module, path in modules():
        if any(name.startswith("pulumi.automation") for name in imported(path)):
            assert module.startswith("engine."), module


def test_package_files_below_the_top_are_empty() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        if path.parent != PACKAGE:
            assert not path.read_text(encoding="utf-8").strip(), path


@pytest.mark.process  # what an import loads is only seen in a fresh interpreter
@pytest.mark.parametrize(
    "arguments,forbidden",
    [
        (["--help"], {"pulumi", "asyncssh", "rich", "jsonschema", "jinja2", "cryptography", "yaml"}),
        (["validate", "stacks/local-demo"], {"pulumi", "asyncssh", "rich", "jinja2", "cryptography"}),
        (["render", "stacks/local-demo"], {"pulumi", "asyncssh", "cryptography"}),
    ],
)
def test_offline_verbs_do_not_load_what_they_do_not_need(arguments: list[str], forbidden: set[str]) -> None:
    code = (
        "import sys; from mcis_iac.cli.app import main\n"
        f"sys.argv = ['mcis', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "finally: print('\\n' + ' '.join(m for m in sys.modules if '.' not in m))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PACKAGE.parent
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert done.returncode == 0, done.stderr
    assert not loaded & forbidden

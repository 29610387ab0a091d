"""One stack as the engine sees it: working directory, backend, secrets, command.

The Automation API's own ways to open a stack start the CLI two or three times (0.3 s each) to learn
what we know: its version, that the stack exists, that it is selected. We create the stack once,
remember it beside the work files, and otherwise find out from the first real operation that it is
gone.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pulumi import automation
from pulumi.automation import CommandError, StackAlreadyExistsError, StackNotFoundError

from mcis_iac.engine import checkpoint, environment, scrub, troubles
from mcis_iac.engine.bootstrap import Found, pulumi_home
from mcis_iac.engine.command import Command
from mcis_iac.engine.home import StackHome, explained, passphrase, replace_text
from mcis_iac.errors import McisError

T = TypeVar("T")
# Every resource names its provider; one that does not is a mistake, not a wish for another account.
NO_DEFAULTS = {"pulumi:disable-default-providers": {"value": ["*"]}}
LOGS_KEPT, RUNS_KEPT, HISTORY_KEPT = 60, 20, 80


class _Stack(automation.Stack):  # type: ignore[misc]
    """A stack that is taken to exist: the stock constructor would start the CLI to select it."""

    def __init__(self, name: str, workspace: automation.LocalWorkspace) -> None:
        self.name = name
        self.workspace = workspace
        self._mode = automation.StackInitMode.SELECT if hasattr(automation, "StackInitMode") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open stack. `backend_url` is absolute; `command` counts and stops the CLI's processes."""

    home: StackHome
    project: str
    stack: str
    backend_url: str
    engine: Found
    command: Command
    workspace: automation.LocalWorkspace
    api: automation.Stack
    copied: bool = False  # on a copy of the state, which is there for sure and not to be remembered

    @classmethod
    def open(
        cls,
        home: StackHome,
        *,
        project: str,
        stack: str,
        backend_url: str | None,
        engine: Found,
        plugins: Mapping[str, Path],
        variables: Iterable[str] = (),
    ) -> Session:
        """Prepare everything on disk; starts no process.

        `plugins` maps a provider's name to the directory of its `pulumi-resource-<name>`.
        `variables` names what the providers may see of our environment (`AWS_*`), beside the
        machine's own settings.
        """
        home.create()
        url = resolve(backend_url, home)
        _write_project(home, project, plugins)
        shared = pulumi_home()
        with explained(shared):
            shared.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep_newest(shared / "logs", LOGS_KEPT)
        keep_newest(home.runs, RUNS_KEPT)
        for kind in ("backups", "history") if backend_url is None else ():
            keep_newest(home.state / ".pulumi" / kind / project / stack, HISTORY_KEPT)
        command = Command(engine.path, engine.version, home.folder / "engine.json")
        env = environment.inherited(url, variables)
        env |= environment.settings(backend_url=url, passphrase=passphrase(home), pulumi_home=str(shared))
        workspace = automation.LocalWorkspace(
            work_dir=str(home.work), pulumi_home=str(shared), env_vars=env, pulumi_command=command
        )
        return cls(
            home=home, project=project, stack=stack, backend_url=url, engine=engine, command=command,
            workspace=workspace, api=_Stack(stack, workspace),
        )  # fmt: skip

    def urn(self, token: str, key: str) -> str:
        """The engine's name of a resource of this stack (none has a parent)."""
        return f"urn:pulumi:{self.stack}::{self.project}::{token}::{key}"

    def on_stack(self, work: Callable[[], T], *, create: bool = True) -> T:
        """Do something that needs the stack to exist; it is made when it does not."""
        if create and not self.copied and not self._remembered():
            self.make()
        try:
            return work()
        except StackNotFoundError:
            if not create:
                raise
        self.make()
        return work()

    def make(self) -> None:
        """Create the stack in its backend, or find that it exists already."""
        try:
            with contextlib.suppress(StackAlreadyExistsError):
                self.workspace.create_stack(self.stack)
        except CommandError as failed:
            raise self.explain(failed, "init") from failed
        self.remember()

    def remember(self) -> None:
        """Note that the stack is there, so that nobody has to ask."""
        replace_text(self._marker, self._fingerprint)

    @property
    def _marker(self) -> Path:
        return self.home.work / "made"

    @property
    def _fingerprint(self) -> str:
        """Names the backend without writing down a URL that may carry credentials."""
        return hashlib.sha256(f"{self.backend_url}\0{self.project}\0{self.stack}".encode()).hexdigest()

    def _remembered(self) -> bool:
        settings = self.home.work / f"Pulumi.{self.stack}.yaml"
        return (
            settings.exists()
            and self._marker.exists()
            and self._marker.read_text(encoding="utf-8") == self._fingerprint
        )

    def exists(self) -> bool:
        """Whether the stack is known or must be assumed to exist; asks nobody."""
        return not self.absent

    @property
    def absent(self) -> bool:
        """Whether the stack is known not to exist; False also means that nobody knows without asking."""
        path = self.checkpoint_file
        return path is not None and not (path.exists() or path.with_name(path.name + ".gz").exists())

    def forget(self) -> None:
        """Remove the stack itself from its backend; it must be empty."""
        if self.absent:
            self._marker.unlink(missing_ok=True)
            return
        try:
            with contextlib.suppress(StackNotFoundError):
                self.workspace.remove_stack(self.stack)
        except CommandError as failed:
            raise self.explain(failed, "remove") from failed
        self._marker.unlink(missing_ok=True)

    @property
    def checkpoint_file(self) -> Path | None:
        """The state file of a `file://` backend."""
        return checkpoint.file_of(self.backend_url, self.project, self.stack)

    def deployment(self) -> Mapping[str, Any]:
        """The stack's state with secrets encrypted; {} when there is none yet."""
        path = self.checkpoint_file
        if path is not None and path.exists():
            try:
                return checkpoint.read_file(path)
            except (ValueError, OSError):
                return checkpoint.read_backup(path)
        return {} if self.absent else self._exported()

    def _exported(self) -> Mapping[str, Any]:
        try:
            answer = self.run("stack", "export")
        except StackNotFoundError:
            return {}
        except CommandError as failed:
            raise self.explain(failed, "export") from failed
        deployment = json.loads(answer).get("deployment")
        return deployment if isinstance(deployment, Mapping) else {}

    def restore(self, deployment: Mapping[str, Any]) -> None:
        """Replace the stack's state by an edited one, whose secrets are still encrypted."""
        draft = self.home.runs / "edited-state.json"
        replace_text(draft, json.dumps({"version": 3, "deployment": deployment}))
        try:
            self.run("stack", "import", "--file", str(draft))
        except CommandError as failed:
            raise self.explain(failed, "import") from failed
        finally:
            draft.unlink(missing_ok=True)

    @contextlib.contextmanager
    def beside(self, deployment: Mapping[str, Any]) -> Iterator[Session]:
        """The same stack with another state, kept as long as the block lasts: to look, not to act."""
        self.home.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="state-", dir=self.home.runs) as folder:
            url = f"file://{quote(folder)}"
            checkpoint.write_copy(Path(folder), self.project, self.stack, deployment)
            workspace = copy.copy(self.workspace)
            workspace.env_vars = {**self.workspace.env_vars, "PULUMI_BACKEND_URL": url}
            api = _Stack(self.stack, workspace)
            yield replace(self, backend_url=url, workspace=workspace, api=api, copied=True)

    def run(self, *words: str) -> str:
        """Run another CLI command on the stack; returns what it printed."""
        args = [*words, "--stack", self.stack]
        return str(self.command.run(args, str(self.home.work), self.workspace.env_vars).stdout)

    def explain(self, failed: Exception, verb: str) -> McisError:
        """The clear error for a failed command; its whole output is kept in `runs/`."""
        text = scrub.scrub(str(failed), scrub.values(self.workspace.env_vars))
        return troubles.explain(text, backend_url=self.backend_url, log=self.keep(verb, text))

    def keep(self, verb: str, text: str) -> Path:
        """Write text into a new file of `runs/`."""
        from mcis_iac.engine.events import now

        path = self.home.runs / f"{now().replace(':', '')}-{verb}.log"
        with contextlib.suppress(OSError):
            path.write_text(scrub.scrub(text, scrub.values(self.workspace.env_vars)), encoding="utf-8")
            path.chmod(0o600)
        return path


def resolve(backend_url: str | None, home: StackHome) -> str:
    """The backend as an absolute URL; a `file://` directory is made, relative to the manifest's folder."""
    folder = home.state if backend_url is None else None
    if backend_url is not None and backend_url.startswith("file://"):
        named = backend_url.removeprefix("file://")
        folder = home.root.parent / Path(named).expanduser()
    if folder is None:
        return str(backend_url)
    with explained(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"file://{quote(os.path.abspath(folder))}"  # noqa: PTH100 resolve() would follow links


def _write_project(home: StackHome, project: str, plugins: Mapping[str, Path]) -> None:
    """Our own Pulumi.yaml: the Automation API's settings cannot express `plugins`. JSON is YAML."""
    providers = [{"name": name, "path": str(path)} for name, path in sorted(plugins.items())]
    data = {
        "name": project,
        "runtime": "python",
        "config": NO_DEFAULTS,
        "plugins": {"providers": providers},
    }
    text = json.dumps(data, indent=2) + "\n"
    path = home.work / "Pulumi.yaml"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        replace_text(path, text)


def keep_newest(folder: Path, count: int) -> None:
    """Delete all but the newest files of a folder."""
    with contextlib.suppress(OSError):
        files = sorted(
            (path for path in folder.iterdir() if path.is_file()), key=lambda path: path.stat().st_mtime
        )
        for path in files[:-count]:
            path.unlink(missing_ok=True)

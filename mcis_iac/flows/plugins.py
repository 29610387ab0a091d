"""Provider plugins that do not come with mcis: which are needed, whether they are here, how to get them.

Each graph is written for one version of its plugin, and the engine is told to take that one and to
fetch nothing by itself. They are kept where every stack of a user finds them, put there by Pulumi's
own command: from where Pulumi publishes them, from a mirror (`MCIS_PLUGIN_SERVER`) or, where there is
no network, from a folder with the published archives (`MCIS_PLUGIN_FOLDER`).
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcis_iac.clouds import registry
from mcis_iac.engine import environment
from mcis_iac.engine.bootstrap import Found, Say, pulumi_home
from mcis_iac.engine.home import explained
from mcis_iac.errors import EngineError
from mcis_iac.flows import silence
from mcis_iac.model import Connection
from mcis_iac.pipeline import Request, Silent

SERVER, FOLDER = "MCIS_PLUGIN_SERVER", "MCIS_PLUGIN_FOLDER"
# Releases are looked up at GitHub, which answers more often to those it knows.
VARIABLES = ("GITHUB_TOKEN",)
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_USER = re.compile(r"(\w+://)[^\s/@]+@")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Plugin:
    """The provider program of a cloud in the one version its graph is written for."""

    cloud: str
    package: str
    version: str

    @property
    def folder(self) -> Path:
        """Where the engine looks for it."""
        return pulumi_home() / "plugins" / f"resource-{self.package}-v{self.version}"

    @property
    def present(self) -> bool:
        """Whether it is there and whole: the engine marks what it is still unpacking."""
        program = self.folder / f"pulumi-resource-{self.package}"
        unfinished = self.folder.with_name(f"{self.folder.name}.partial")
        return os.access(program, os.X_OK) and program.is_file() and not unfinished.exists()

    @property
    def others(self) -> tuple[str, ...]:
        """The versions of it that are there beside the one needed."""
        found = self.folder.parent.glob(f"resource-{self.package}-v*/pulumi-resource-{self.package}")
        versions = (path.parent.name.rpartition("-v")[2] for path in found)
        return tuple(sorted(version for version in versions if version != self.version))

    @property
    def archive(self) -> str:
        """The name of the archive it is published in."""
        machine = _MACHINES.get(platform.machine(), platform.machine())
        return f"pulumi-resource-{self.package}-v{self.version}-{platform.system().lower()}-{machine}.tar.gz"

    @property
    def words(self) -> tuple[str, ...]:
        """Pulumi's words for getting it."""
        return ("plugin", "install", "resource", self.package, f"v{self.version}")

    @property
    def command(self) -> str:
        """What to type where mcis itself cannot get it."""
        return f"PULUMI_HOME={pulumi_home()} pulumi {' '.join(self.words)}"


def needed(clouds: Iterable[str]) -> tuple[Plugin, ...]:
    """The plugins those clouds need beside what comes with mcis, one each, by name."""
    modules = {cloud: registry.graph(cloud) for cloud in clouds}
    return tuple(
        sorted(
            Plugin(cloud=cloud, package=module.PACKAGE, version=module.VERSION)
            for cloud, module in modules.items()
            if not module.SHIPS_PLUGIN
        )
    )


def require(clouds: Iterable[str], request: Request) -> None:
    """EngineError unless all plugins of those clouds are here."""
    missing = _absent(clouds)
    if missing:
        raise _missing(missing, request)


def unplugged(connections: Iterable[Connection], request: Request) -> tuple[Silent, ...]:
    """Those of the connections whose plugins are not here.

    All have the same error, which names every missing plugin: one command gets them all.
    """
    used = tuple(connections)
    missing = _absent({connection.cloud for connection in used})
    clouds = {plugin.cloud for plugin in missing}
    lacking = (connection for connection in used if connection.cloud in clouds)
    return tuple(silence.of(connection, _missing(missing, request)) for connection in lacking)


def _absent(clouds: Iterable[str]) -> list[Plugin]:
    return [plugin for plugin in needed(clouds) if not plugin.present]


def _missing(missing: Sequence[Plugin], request: Request) -> EngineError:
    names = ", ".join(f"{plugin.package} v{plugin.version}" for plugin in missing)
    commands = "".join(f"\n  {plugin.command}" for plugin in missing)
    words = f"{'-f ' if request.file != '.' else ''}{request.words}"
    return EngineError(
        summary="a provider plugin is missing",
        detail=f"{names} {'is' if len(missing) == 1 else 'are'} not in {pulumi_home() / 'plugins'}.\n"
        f"Pulumi's own way to get {'it' if len(missing) == 1 else 'them'}:{commands}",
        hint=f"mcis doctor --install {words}".strip(),
    )


# ---------------------------------------------------------------- getting them


def install(plugins: Sequence[Plugin], engine: Found, say: Say = lambda _: None) -> None:
    """Get those that are not here; EngineError says which ones could not be had, and why.

    Downloads are large and may take minutes; `say` gets a line at a time.
    """
    failed: list[EngineError] = []
    for plugin in plugins:
        try:
            if not plugin.present:
                _install(plugin, engine, say)
        except EngineError as error:
            failed.append(error)
    if failed:
        raise EngineError(
            summary=failed[0].summary,
            detail="\n".join(error.detail for error in failed),
            hint=failed[0].hint,
        )


def _install(plugin: Plugin, engine: Found, say: Say) -> None:
    home = pulumi_home()
    with explained(home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # What is left of an attempt that was cut off must not count as installed.
    words = [str(engine.path), "--non-interactive", *plugin.words, "--exact", "--reinstall", *_source(plugin)]
    env = {
        **environment.inherited("", VARIABLES),
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "NO_COLOR": "1",
    }
    said: list[str] = []
    try:
        with subprocess.Popen(
            words,
            env=env,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            _listen(process, said, say)
    except OSError as broken:
        raise _failed(plugin, f"{engine.path} cannot be run: {broken.strerror or broken}") from broken
    if process.returncode:
        raise _failed(plugin, said[-1] if said else f"exit {process.returncode}, no output")
    if not plugin.present:
        raise _failed(plugin, f"what was unpacked has no program pulumi-resource-{plugin.package}")
    say(f"plugin {plugin.package} v{plugin.version} installed")


def _listen(process: subprocess.Popen[str], said: list[str], say: Say) -> None:
    try:
        for line in process.stdout or ():
            text = _USER.sub(r"\1", line.strip())
            if text:
                said.append(text.removeprefix("error: "))
                say(text)
    except BaseException:
        process.terminate()
        raise


def _source(plugin: Plugin) -> list[str]:
    """Where it is taken from, as flags; nothing = from where Pulumi publishes it."""
    folder = os.environ.get(FOLDER)
    if folder:
        here = Path(folder).expanduser().absolute()
        found = (here / plugin.archive, here / plugin.folder.name)
        chosen = next((path for path in found if path.exists()), None)
        if chosen is None:
            raise _failed(plugin, f"there is no {plugin.archive} in {here} ({FOLDER})")
        return ["--file", str(chosen)]
    server = os.environ.get(SERVER)
    return ["--server", server] if server else []


def _failed(plugin: Plugin, reason: str) -> EngineError:
    return EngineError(
        summary="a provider plugin could not be installed",
        detail=f"{plugin.package} v{plugin.version}: {reason}",
        hint=f"name a mirror with {SERVER}, or with {FOLDER} a folder that holds archives such as "
        f"{plugin.archive}, then run the command again",
    )

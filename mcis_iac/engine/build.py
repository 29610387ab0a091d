"""The engine built from its Go modules, with the versions pinned in `cli/go.mod` and `cli/go.sum`.

Modules and compiled packages go to a private folder that is removed afterwards (about 2 GB while it
lasts); the user's own Go settings (proxy, flags) are respected.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from mcis_iac.engine.bootstrap import Say
from mcis_iac.errors import EngineError

MODULE = Path(__file__).parent / "cli"
COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
TAGS = "osusergo,grpcnotrace"
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
GO_NEEDED = "1.25.11"
GO_SWITCHES = (1, 21)  # from here on, Go can fetch the toolchain that a module asks for
PACKAGES = 1700  # roughly, for the progress line
NEEDED_MIB = 3500
TELL_S = 10.0
_GO_VERSION = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+))?")


def build(version: str, binary: Path, scratch: Path, say: Say) -> None:
    """Compile the CLI to `binary`; takes minutes. EngineError if Go is missing, too old or fails."""
    go = find_go()
    check_go(go)
    check_room(scratch)
    module = scratch / "module"
    shutil.copytree(MODULE, module)
    say(f"building engine v{version} from its Go modules with {go}; this takes about 6 minutes, once")
    flags = f"-s -w -X {VERSION_VARIABLE}=v{version}"
    argv = [
        go,
        "build",
        "-v",
        "-trimpath",
        "-tags",
        TAGS,
        "-ldflags",
        flags,
        "-o",
        str(binary),
    ]
    _run([*argv, COMMAND], module, environment(scratch), say)


def find_go() -> str:
    """The Go command; EngineError if there is none."""
    usual = Path("/usr/local/go/bin/go")
    found = shutil.which("go") or (str(usual) if os.access(usual, os.X_OK) else None)
    if found is None:
        raise EngineError(summary="Go is not installed", hint=f"install Go {GO_NEEDED} or newer")
    return found


def check_go(go: str) -> None:
    """EngineError unless this Go can build the engine, itself or with a toolchain that it fetches."""
    answer = subprocess.run(
        [go, "env", "GOVERSION", "GOTOOLCHAIN"],
        capture_output=True,
        text=True,
        check=False,
        cwd=MODULE.parent,
        stdin=subprocess.DEVNULL,
    )
    version, _, toolchain = answer.stdout.strip().partition("\n")
    found = _GO_VERSION.match(version)
    if answer.returncode or found is None:
        raise EngineError(summary="Go does not work", detail=f"{go}: {answer.stderr.strip() or version}")
    numbers = tuple(int(part or 0) for part in found.groups())
    needed = tuple(int(part) for part in GO_NEEDED.split("."))
    fetches = numbers[:2] >= GO_SWITCHES and toolchain.strip() != "local"
    if numbers < needed and not fetches:
        raise EngineError(
            summary="Go is too old",
            detail=f"{go} is {version} and may not fetch a newer one",
            hint=f"install Go {GO_NEEDED} or newer, or set GOTOOLCHAIN=auto",
        )


def check_room(folder: Path) -> None:
    """EngineError unless the disk has room for the build."""
    free = shutil.disk_usage(folder).free >> 20
    if free < NEEDED_MIB:
        raise EngineError(
            summary="not enough room to build the engine",
            detail=f"{folder} has {free} MiB free, {NEEDED_MIB} are needed for a while",
            hint="make room, or point MCIS_DATA_DIR at a larger disk",
        )


def environment(scratch: Path) -> dict[str, str]:
    """The user's environment with everything that Go writes in our folder."""
    flags = " ".join((os.environ.get("GOFLAGS", ""), "-modcacherw")).strip()
    private = {
        "GOPATH": "gopath",
        "GOMODCACHE": "gopath/pkg/mod",
        "GOCACHE": "cache",
        "GOTMPDIR": "tmp",
    }
    for name in private.values():
        (scratch / name).mkdir(parents=True, exist_ok=True)
    folders = {name: str(scratch / path) for name, path in private.items()}
    clean = {
        name: value for name, value in os.environ.items() if name not in {"GOBIN", "GOWORK", "GOOS", "GOARCH"}
    }
    return clean | folders | {"GOFLAGS": flags, "CGO_ENABLED": "0", "GOWORK": "off"}


def _run(argv: list[str], folder: Path, env: dict[str, str], say: Say) -> None:
    """Run Go, telling how far it is now and then; however this ends, Go and its compilers end too."""
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        last = _follow(process, say)
        code = process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stderr:
            process.stderr.close()
    if code:
        raise EngineError(
            summary="building the engine failed",
            detail="\n  ".join(last[-8:]) or f"go ended with {code}",
            hint="check that Go can fetch modules (GOPROXY, network), then run `mcis doctor --install`",
        )


def _follow(process: subprocess.Popen[str], say: Say) -> list[str]:
    """Read Go's words until it ends: module downloads, names of compiled packages, errors.

    Returns the last lines.
    """
    fetched = compiled = 0
    told = time.monotonic()
    last: list[str] = []
    for line in process.stderr or ():
        words = line.rstrip()
        if words.startswith("go: downloading"):
            fetched += 1
        elif "/" in words and " " not in words:
            compiled += 1
        else:
            last = [*last[-20:], words]
        if time.monotonic() - told > TELL_S:
            told = time.monotonic()
            share = min(99, compiled * 100 // PACKAGES)
            say(f"building: {fetched} modules fetched, {compiled} packages compiled (about {share} %)")
    return last


def remove_tree(folder: Path) -> None:
    """Delete a folder, read-only parts included."""
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            with contextlib.suppress(OSError):
                (Path(parent) / name).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)

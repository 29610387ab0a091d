"""What a machine does at its first boot, in the two languages images understand.

`cloud_config` is for images with cloud-init, `script` for those without (their agent starts it at
every boot). Both run the same steps in the same order: disks, packages, files, commands, and at the
end write the marker `up` waits for. cloud-init's own `packages` and `write_files` are not used for
those: they run before a disk can be mounted below them, and what fails in them nobody is told.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from mcis_iac import bundled
from mcis_iac.model import HostKey, Setup, SetupFile
from mcis_iac.program.graph import Join, Ref

MARKER = "/var/lib/mcis/first-boot.json"
PROGRAM = "/var/lib/mcis/first-boot.sh"
OTHER_BREAKS = frozenset("\x85\u2028\u2029\ufeff")
ONE_MACHINES = frozenset({"hostname", "ssh_keys"})
SHOWN = 80  # characters of a command in the marker


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """A data disk and where it is mounted, in whatever order the disks come up.

    `device` is a stable path (`/dev/disk/by-id/...`), or the cloud's id of the volume where the
    disk's serial number is made of that; the id may be a reference (see `referring`). The disk is
    formatted only when it is blank.
    """

    device: str | Ref
    mount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstBoot:
    """Everything one machine is told. With a `host_key` the rendered text is a secret."""

    setup: Setup
    user: str
    public_key: str
    host_key: HostKey | None = None
    mounts: tuple[Mounted, ...] = ()
    hostname: str = ""


def cloud_config(boot: FirstBoot) -> str:
    """`#cloud-config` text; equal boots give equal bytes."""
    document: dict[str, Any] = {}
    if boot.hostname:
        document |= {"hostname": boot.hostname, "manage_etc_hosts": "localhost"}
    document["users"] = [
        {
            "name": boot.user,
            "shell": "/bin/bash",
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
            "lock_passwd": True,
            "ssh_authorized_keys": [boot.public_key],
        }
    ]
    if boot.user == "root":
        document["disable_root"] = False
    if boot.host_key:
        keys = {"ed25519_private": boot.host_key.private, "ed25519_public": boot.host_key.public}
        document |= {"ssh_deletekeys": True, "ssh_keys": keys}
    # The program is remembered by cloud-init once per machine; it needs no guard of its own.
    program = "\n".join(("#!/bin/sh", *_parts(boot), 'rm -f "$marker"', *_steps(boot), _DONE))
    document["write_files"] = [{"path": PROGRAM, "content": program, "permissions": "0700"}]
    document["runcmd"] = [["/bin/sh", PROGRAM]]
    return as_cloud_config(document)


def script(boot: FirstBoot) -> str:
    """`#!/bin/sh` text for a start-up script that is run at every boot; works once."""
    lines = ["#!/bin/sh", *_parts(boot, alone=True)]
    if boot.host_key:
        lines += _step("ssh_keys", "host_key", boot.host_key.private, boot.host_key.public)
    lines += _step(f"users {boot.user}", "login", boot.user, boot.public_key)
    if boot.hostname:
        lines.append(_call("named_host", boot.hostname))
    return "\n".join((*lines, *_steps(boot), _DONE))


def referring(render: Callable[[FirstBoot], str], boot: FirstBoot) -> str | Join:
    """`render(boot)` where devices may be references: text with the references in their places."""
    blank = tuple(replace(disk, device="") for disk in boot.mounts)
    digest = _digest(render, replace(boot, hostname="", host_key=None, mounts=blank))
    marks = {
        f"volume-{digest}-{number}-": disk.device
        for number, disk in enumerate(boot.mounts)
        if isinstance(disk.device, Ref)
    }
    by_device = {device: mark for mark, device in marks.items()}
    mounts = tuple(
        replace(disk, device=by_device[disk.device]) if isinstance(disk.device, Ref) else disk
        for disk in boot.mounts
    )
    rendered = render(replace(boot, mounts=mounts))
    return Join(tuple(_joined(rendered, marks))) if marks else rendered


@lru_cache(maxsize=64)
def _digest(render: Callable[[FirstBoot], str], boot: FirstBoot) -> str:
    """What no setup can contain, as it is made of it; the same for a group, whose texts are rendered once."""
    return hashlib.sha256(render(boot).encode("utf-8", "surrogatepass")).hexdigest()


def _joined(text: str, marks: Mapping[str, Ref]) -> Iterator[str | Ref]:
    for mark, ref in sorted(marks.items(), key=lambda each: text.index(each[0])):
        before, _, text = text.partition(mark)
        yield from (before, ref)
    yield text


# ---------------------------------------------------------------- steps

_DONE = "mark done null 0\n"


def _steps(boot: FirstBoot) -> Iterator[str]:
    for disk in boot.mounts:
        if isinstance(disk.device, Ref):
            problem = f"the device of {disk.mount} is a reference; use `referring`"
            raise TypeError(problem)
        yield from _step(f"mounts {disk.mount}", "disk", disk.device, disk.mount, _in_fstab(disk.mount))
    setup = boot.setup
    if setup.packages:
        yield from _step(f"packages: {' '.join(setup.packages)}", "packages", *setup.packages)
    for file in setup.files:
        yield from _named(f"write_files {file.path}", _file(file))
    for number, command in enumerate(setup.run, 1):
        yield from _step(f"runcmd {number}: {command}", "sh", "-c", "--", command)


def _step(name: str, *words: str) -> Iterator[str]:
    yield from _named(name, _call(*words))


def _named(name: str, command: str) -> Iterator[str]:
    shown = name if len(name) <= SHOWN else f"{name[: SHOWN - 3]}..."
    yield f"step={_quoted(json.dumps(shown))}"
    yield f"{command} || fail $?"


def _call(*words: str) -> str:
    return " ".join(_quoted(word) for word in words)


def _quoted(text: str) -> str:
    # No shell can hold a NUL; what would be cut there goes on without it.
    return shlex.quote(text.replace("\0", ""))


def _file(file: SetupFile) -> str:
    place = _call("placed", file.mode, file.path)
    if "\0" not in file.content:
        return f"printf %s {_quoted(file.content)} | {place}"
    encoded = base64.b64encode(file.content.encode("utf-8")).decode("ascii")
    return f"printf %s {encoded} | base64 -d | {place}"


def _in_fstab(mount: str) -> str:
    return "".join(f"\\{ord(char):03o}" if char in " \t\n\\#" else char for char in mount)


def _parts(boot: FirstBoot, *, alone: bool = False) -> list[str]:
    """What the steps are written with, and nothing else: it is kept once per machine."""
    setup = boot.setup
    files, disks = bool(setup.files) or alone, bool(boot.mounts)
    wanted = {
        "work.sh": True,
        "labels.sh": files or disks,
        "disks.sh": disks,
        "packages.sh": bool(setup.packages),
        "files.sh": files,
        "alone.sh": alone,
    }
    return [_part(name) for name, there in wanted.items() if there]


@cache
def _part(name: str) -> str:
    """A part of the program as it is sent: its comments stay at home, user data is scarce."""
    text = (bundled.root("templates") / "first-boot" / name).read_text(encoding="utf-8")
    return "\n".join(
        line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    )


# ---------------------------------------------------------------- YAML


def as_cloud_config(document: Mapping[str, Any]) -> str:
    """The document as `#cloud-config`; any text arrives as it is written here."""
    if not document:
        return "#cloud-config\n{}\n"
    body = "".join(_entry(name, json.dumps(value)) for name, value in document.items())
    return f"#cloud-config\n{body}"


def _entry(name: str, value: str) -> str:
    # Writing YAML is slow, and most entries are the same for all machines of a group.
    return _yaml({name: json.loads(value)}) if name in ONE_MACHINES else _shared(name, value)


@lru_cache(maxsize=64)
def _shared(name: str, value: str) -> str:
    return _yaml({name: json.loads(value)})


def _yaml(document: Mapping[str, Any]) -> str:
    import yaml

    text: str = yaml.dump(
        dict(document), Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=1 << 20
    )
    # After a text that ends in empty lines the end of the document is marked, but it goes on.
    return text.removesuffix("...\n") if text.endswith("\n...\n") else text


@cache
def _dumper() -> Any:
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _: Any) -> bool:
            return True

    def as_written(dumper: Any, text: str) -> Any:
        # A script should look on the machine as it does in the manifest.
        style = "|" if "\n" in text else None
        if not OTHER_BREAKS.isdisjoint(text):
            style = '"'  # YAML takes them for the ends of lines unless they are escaped
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, as_written)
    return Dumper

"""What an action comes to on each VM: whom it is for, its texts rendered, and the script that does it.

The whole of it goes over one connection as one script: files first, each put in place whole or not at
all, then the commands, each in a shell of its own; the first that fails ends it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mcis_iac.model import Action, Mcis, Vm

# Who is root already needs no sudo, which not every image has; its far side forgets the environment.
AS_ROOT = """\
if [ "$(id -u)" = 0 ]; then exec sh -s; fi
if ! command -v sudo >/dev/null; then
  echo "mcis: there is no sudo here; write sudo: false in the action, or log in as root" >&2; exit 127
fi
exec sudo -n -- env "MCIS_ROOT=${MCIS_ROOT}" sh -s"""
AS_USER = "exec sh -s"

# `mv` inside one folder is atomic: nobody ever reads half a file.
PUT = """\
put() {
  if [ -d "$1" ]; then echo "mcis: $1 is a folder" >&2; return 1; fi
  mkdir -p -- "${1%/*}/" && t=$(mktemp "${1%/*}/.mcis.XXXXXXXX") || return 1
  if printf %s "$4" | base64 -d > "$t" && { [ -z "$3" ] || chown "$3" "$t"; } && chmod "$2" "$t" &&
    mv -f -- "$t" "$1"; then return 0; fi
  rm -f -- "$t"; return 1
}
"""

Render = Callable[[str, Vm], str]


class Machine(Protocol):
    """A VM that exists or will."""

    @property
    def name(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def ordinal(self) -> int: ...


One = TypeVar("One", bound=Machine)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as it will be; `owner` "" = who writes it."""

    path: str
    text: str
    mode: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An action on one VM, rendered."""

    action: str
    vm: Vm
    files: tuple[File, ...]
    run: tuple[str, ...]
    sudo: bool

    @property
    def digest(self) -> str:
        """Equal for equal work: the texts and how they are used, whoever they are for."""
        files = [(file.path, file.text, file.mode, file.owner) for file in self.files]
        whole = json.dumps([files, self.run, self.sudo], ensure_ascii=False)
        return f"sha256:{hashlib.sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()}"

    @property
    def command(self) -> str:
        """What the login shell is told; the script is its input."""
        return AS_ROOT if self.sudo else AS_USER

    @property
    def script(self) -> str:
        """The whole work. It is read to its end before it begins, so that no command can eat it."""
        lines = [_put(file) for file in self.files]
        lines += [_run(text, number, len(self.run)) for number, text in enumerate(self.run, 1)]
        body = "\n".join(f"  {line}" for line in [*lines, "return 0"])
        return f"{PUT}work() {{\n{body}\n}}\nwork </dev/null\nexit $?\n"


def _put(file: File) -> str:
    # On the local cloud the tree of a VM may be a folder, named by this variable.
    place = '"${MCIS_ROOT}"' + shlex.quote(file.path)
    text = base64.b64encode(file.text.encode("utf-8", "surrogatepass")).decode("ascii")
    told = shlex.quote(f"mcis: {file.path} could not be written")
    words = f"put {place} {file.mode} {shlex.quote(file.owner)} {shlex.quote(text)}"
    return f"{words} || {{ echo {told} >&2; return 1; }}"


def _run(text: str, number: int, count: int) -> str:
    told = f"mcis: command {number} of {count} failed"
    return f"sh -c {shlex.quote(text)} || {{ s=$?; echo {shlex.quote(told)} >&2; return $s; }}"


def targets(action: Action, mcis: Mcis, vms: Sequence[One]) -> tuple[One, ...]:
    """The VMs an action is for, in their order; `only` is not looked at."""

    def carries(vm: One) -> bool:
        group = mcis.groups.get(vm.group)
        return action.labels.items() <= {**mcis.labels, **(group.labels if group else {})}.items()

    named = [vm for vm in vms if not action.on or vm.name in action.on or vm.group in action.on]
    return tuple(vm for vm in named if carries(vm))


def narrowed(action: Action, vms: Sequence[One]) -> tuple[One, ...]:
    """With `only: first` the VM with the lowest number; of equal ones the first in order."""
    if action.only == "each" or not vms:
        return tuple(vms)
    return (min(vms, key=lambda vm: vm.ordinal),)


def step(action: Action, vm: Vm, render: Render) -> Step:
    """The action for that VM; what `render` raises comes through."""
    files = tuple(
        File(path=file.path, text=render(file.text, vm), mode=file.mode, owner=file.owner or "")
        for file in action.files
    )
    run = tuple(render(text, vm) for text in action.run)
    return Step(action=action.name, vm=vm, files=files, run=run, sudo=action.sudo)

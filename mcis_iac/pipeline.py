"""The front door: composes the stages; the only thing `cli` calls to get work done.

    load      manifest/    text -> Mcis, with every problem at its place
    plan      placement/   Mcis + lock -> Plan (where each VM goes) and the lock to write
    graph     program/     Plan -> Graph (resources as pure data)
    engine    engine/      Graph -> Diff or Outcome, through one Pulumi stack
    actions   actions/     Inventory -> status, exec, ssh

Each function takes a Request and returns a value; nothing here prints, asks or formats. Questions
are callbacks that raise to refuse; progress goes to a Listener as events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcis_iac.model import NOTHING, Diagnostic, Mcis

if TYPE_CHECKING:
    from mcis_iac.answers import (
        ActionReport,
        ActionRow,
        Applied,
        Confirm,
        ConfirmDown,
        CopyResult,
        DoctorReport,
        DownQuestion,
        Finding,
        Happened,
        History,
        HostResult,
        OnOutput,
        Orphan,
        PowerReport,
        PowerRow,
        Preview,
        Silent,
        StatusReport,
        StatusRow,
        VmResult,
        refusal,
    )
    from mcis_iac.engine.events import Event, Listener
    from mcis_iac.model import Status
    from mcis_iac.program.graph import Graph

__all__ = [
    "ActionReport",
    "ActionRow",
    "Applied",
    "Checked",
    "Confirm",
    "ConfirmDown",
    "CopyResult",
    "DoctorReport",
    "DownQuestion",
    "Finding",
    "Happened",
    "History",
    "HostResult",
    "OnOutput",
    "Orphan",
    "PowerReport",
    "PowerRow",
    "Preview",
    "Request",
    "Selection",
    "Silent",
    "StatusReport",
    "StatusRow",
    "VmResult",
    "check",
    "copy",
    "doctor",
    "down",
    "eject",
    "execute",
    "explain",
    "graph_text",
    "history",
    "heal",
    "ignore",
    "known_hosts",
    "load",
    "outputs",
    "power",
    "preview",
    "read_known_hosts",
    "refresh",
    "refusal",
    "render",
    "run",
    "scaffold",
    "scale",
    "ssh_command",
    "status",
    "terminate",
    "up",
]


def ignore(event: Event) -> None:
    """The listener of callers that want no events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What every verb starts from: which manifest, which overlays."""

    file: str = "."
    env: str | None = None
    sets: tuple[str, ...] = ()
    listen: Listener = ignore
    parallel: int = 64
    timeout_s: float | None = None

    @property
    def words(self) -> str:
        """The user's own words, to be repeated in hints: `stacks/edge -e prod --set groups.web.count=3`."""
        from shlex import join

        file = () if self.file == "." else (self.file,)
        env = ("-e", self.env) if self.env else ()
        return join((*file, *env, *(word for each in self.sets for word in ("--set", each))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A loaded manifest. `mcis` is None when a diagnostic is an error; `texts` has each file's text."""

    mcis: Mcis | None
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which VMs: by group and by name; empty = all."""

    groups: tuple[str, ...] = ()
    vms: tuple[str, ...] = ()


def __getattr__(name: str) -> Any:
    """The names of `answers`, loaded on first use: `validate` asks for none of them."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from mcis_iac import answers

    return getattr(answers, name)


# ---------------------------------------------------------------- the verbs
# Each imports its stages when called: `validate` must not pay for the engine, nor `render` for SSH.


def check(request: Request, *, types: bool = False) -> Checked:
    """Every problem of manifest, overlay and lock; only a missing file raises.

    With `types` also what does not fit the typed packages; OperationError when they are not installed.
    """
    if types:
        from mcis_iac.flows import typed

        return typed.check(request)
    from mcis_iac.flows import ground

    return ground.check(request)


def load(request: Request) -> Mcis:
    """The manifest, overlays merged; ManifestError with every problem."""
    from mcis_iac.flows import ground

    return ground.ground(request).mcis


def render(request: Request, *, locked: bool = False) -> Graph:
    """The resource graph as data: no engine, no network, nothing written."""
    from mcis_iac.flows import ground, placing

    return placing.placed(ground.ground(request), placing.Wish(locked=locked), placing.Clock()).graph


def graph_text(graph: Graph, form: str) -> str:
    """A graph as text: `table`, `json` or `yaml`; secrets redacted."""
    from mcis_iac.program import render

    forms = {"json": render.as_json, "yaml": render.as_yaml}
    return forms.get(form, render.as_text)(graph)


def preview(
    request: Request, *, targets: Sequence[str] = (), locked: bool = False, replace: Sequence[str] = ()
) -> Preview:
    """The stack diff `up` would apply; changes nothing."""
    from mcis_iac.flows import change, placing

    return change.preview(request, placing.Wish(targets=targets, locked=locked, replace=replace))


def up(
    request: Request,
    *,
    targets: Sequence[str] = (),
    replace: Sequence[str] = (),
    locked: bool = False,
    retry_dropped: bool = False,
    force_protected: bool = False,
    expect_no_changes: bool = False,
    confirm: Confirm,
) -> Applied:
    """Preview, `confirm`, apply, wait until every VM is ready. Partial failure is a result (exit 4)."""
    from mcis_iac.flows import change, ground, placing

    wish = placing.Wish(
        targets=targets,
        replace=replace,
        locked=locked,
        retry_dropped=retry_dropped,
        force_protected=force_protected,
        expect_no_changes=expect_no_changes,
    )
    return change.up(ground.ground(request), wish, confirm)


def down(
    request: Request,
    *,
    targets: Sequence[str] = (),
    remove: bool = False,
    force_protected: bool = False,
    confirm: ConfirmDown,
) -> Applied:
    """Delete everything, or what the targets name. Needs no valid manifest."""
    from mcis_iac.flows import change

    return change.down(
        request, targets=targets, remove=remove, force_protected=force_protected, confirm=confirm
    )


def refresh(request: Request) -> Applied:
    """Write what the clouds say into the state."""
    from mcis_iac.flows import change

    return change.refresh(request)


def scale(
    request: Request,
    wants: Sequence[str],
    *,
    remove: Sequence[str] = (),
    write: bool = True,
    force_protected: bool = False,
    confirm: Confirm,
) -> Applied:
    """Edit `count` and apply exactly that; `write=False` leaves the manifest alone."""
    from mcis_iac.flows import scale as scaling

    return scaling.scale(
        request, wants, remove=remove, write=write, force_protected=force_protected, confirm=confirm
    )


def status(
    request: Request,
    selection: Selection,
    *,
    clouds: Sequence[str] = (),
    statuses: Sequence[Status] = (),
    orphans: bool = False,
) -> StatusReport:
    """The real state of every VM and of the whole; `clouds` are names of connections or clouds."""
    from mcis_iac.flows import look

    return look.status(
        request, selection, look.Sight(clouds=tuple(clouds), statuses=tuple(statuses), orphans=orphans)
    )


def history(request: Request, *, limit: int | None = None, show: int | None = None) -> History:
    """What was done to the stack so far, or one operation of it by number."""
    from mcis_iac.flows import history as histories

    return histories.history_of(request, limit=limit, show=show)


def outputs(request: Request) -> Mapping[str, Any]:
    """The stack's outputs as last known."""
    from mcis_iac.flows import look

    return look.outputs(request)


def execute(
    request: Request,
    selection: Selection,
    command: Sequence[str],
    *,
    on_output: OnOutput,
    timeout_s: float | None = None,
    serial: int | None = None,
    sudo: bool = False,
    script: str | None = None,
    setenv: Mapping[str, str] = NOTHING,
    stdin: int | None = None,
) -> tuple[HostResult, ...]:
    """Run a command on the selected VMs; one result each, whatever happened to it.

    `stdin` is a file descriptor every VM gets the contents of.
    """
    from mcis_iac.flows import act

    return act.execute(
        request,
        selection,
        command,
        on_output=on_output,
        timeout_s=timeout_s,
        serial=serial,
        sudo=sudo,
        script=script,
        setenv=setenv,
        stdin=stdin,
    )


def copy(
    request: Request,
    source: str,
    target: str,
    *,
    recursive: bool = False,
    sudo: bool = False,
    timeout_s: float | None = None,
    tell_every_s: float = 10.0,
) -> tuple[CopyResult, ...]:
    """Copy a file or folder to VMs or from them; one result each, whatever happened to it."""
    from mcis_iac.flows import copying

    return copying.copy(
        request,
        source,
        target,
        recursive=recursive,
        sudo=sudo,
        timeout_s=timeout_s,
        tell_every_s=tell_every_s,
    )


def power(
    request: Request,
    control: str,
    selection: Selection,
    *,
    serial: int | None = None,
    force: bool = False,
    partial: bool = False,
) -> PowerReport:
    """`suspend`, `resume` or `reboot` the selected VMs; OperationError when one of them is refused.

    Partial failure is a result (exit 4), and so is a cloud that keeps us out (exit 3).
    """
    from mcis_iac.actions.transitions import Control
    from mcis_iac.flows import power as powers

    wanted = powers.Wanted(
        control=Control(control), selection=selection, serial=serial, force=force, partial=partial
    )
    return powers.power(request, wanted)


def terminate(
    request: Request, selection: Selection, *, force_protected: bool = False, confirm: Confirm
) -> Applied:
    """Scale in by name: the selected VMs go, in the manifest and for real. Without a selection use `down`."""
    from mcis_iac.flows import ending

    return ending.terminate(request, selection, force_protected=force_protected, confirm=confirm)


def heal(
    request: Request,
    selection: Selection,
    *,
    serial: int | None = None,
    force_protected: bool = False,
    confirm: Confirm,
) -> Applied | None:
    """Make the selected VMs that failed anew, `serial` at a time; None when none has failed."""
    from mcis_iac.flows import ending

    return ending.heal(request, selection, serial=serial, force_protected=force_protected, confirm=confirm)


def run(
    request: Request,
    names: Sequence[str],
    selection: Selection,
    *,
    on_output: OnOutput,
    timeout_s: float | None = None,
    serial: int | None = None,
) -> ActionReport:
    """Run those actions of the manifest (all without a name) on the VMs they are for, due or not."""
    from mcis_iac.flows import actions

    return actions.run(request, names, selection, on_output=on_output, timeout_s=timeout_s, serial=serial)


def known_hosts(request: Request) -> str:
    """The host keys of all VMs as an OpenSSH known hosts file."""
    from mcis_iac.flows import hostkeys

    return hostkeys.text(request)


def read_known_hosts(request: Request, path: str) -> Mapping[str, str]:
    """Trust the keys of such a file; per VM whether its key is new, known or changed."""
    from mcis_iac.flows import hostkeys

    return hostkeys.read(request, path)


def ssh_command(request: Request, vm: str, command: Sequence[str]) -> list[str]:
    """The arguments of the system's ssh for one VM."""
    from mcis_iac.flows import act

    return act.ssh_command(request, vm, command)


def doctor(request: Request, *, target: str | None = None, install: bool = False) -> DoctorReport:
    """What was found of everything the other verbs need, of clouds only of `target` if there is one.

    `install` gets a missing engine and missing plugins. A manifest is looked at when it is in reach.
    """
    from mcis_iac.flows import doctor as doctors

    return doctors.doctor(request, target=target, install=install)


def explain(topic: str) -> str:
    """The long story of a diagnostic's code, or the reference of a manifest field."""
    from mcis_iac.manifest import explain as explanations

    return explanations.explain(topic)


def eject(request: Request, directory: Path) -> Sequence[Path]:
    """Write the MCIS as an ordinary Pulumi program into an empty or new folder; returns the files."""
    from mcis_iac.flows import eject as ejects

    return ejects.eject(request, directory)


def scaffold(directory: Path, template: str) -> Sequence[Path]:
    """Write a first manifest with what belongs to it; returns the files."""
    from mcis_iac.manifest import scaffold as scaffolds

    return scaffolds.scaffold(directory, template)

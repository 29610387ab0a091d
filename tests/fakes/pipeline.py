"""A front door that speaks the domain: it answers with given values and notes what it was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcis_iac.engine.events import Event
from mcis_iac.errors import McisError, UnexpectedChange
from mcis_iac.model import (
    Change,
    Diff,
    Failure,
    Group,
    Inventory,
    Mcis,
    Op,
    Outcome,
    Pin,
    PropertyChange,
    Status,
    Step,
    Subject,
    Vm,
)
from mcis_iac.pipeline import (
    ActionReport,
    Applied,
    Checked,
    CopyResult,
    DownQuestion,
    Finding,
    History,
    HostResult,
    PowerReport,
    PowerRow,
    Preview,
    Request,
    Selection,
    StatusReport,
    StatusRow,
    VmResult,
)

SEOUL, BUSAN = "local-seoul", "local-busan"
TOKEN = "mcislocal:compute:Instance"


def edge(**counts: int) -> Mcis:
    """The MCIS `edge.prod` with groups web (Seoul) and db (Busan)."""
    counts = counts or {"web": 3, "db": 1}
    pins = {
        "web": Pin(connection="local", region=SEOUL, type="small"),
        "db": Pin(connection="local", region=BUSAN),
    }
    groups = {name: Group(name=name, count=count, placement=pins[name]) for name, count in counts.items()}
    return Mcis(name="edge", env="prod", file="stacks/edge/mcis.yaml", folder=Path("/w"), groups=groups)


def where(group: str, vm: str | None = None) -> Subject:
    """Whom a resource of that group serves."""
    region = SEOUL if group == "web" else BUSAN
    return Subject(group=group, vm=vm, connection="local", cloud="local", region=region)


def vm_change(name: str, op: Op, **more: Any) -> Change:
    """A machine that is made, changed or deleted."""
    group = name.rpartition("-")[0]
    return Change(key=name, token=TOKEN, op=op, subject=where(group, name), is_vm=True, **more)


def image_change() -> PropertyChange:
    """The property that forces a replacement."""
    return PropertyChange(path="image", old="dir:/a", new="dir:/b", replaces=True)


def a_preview(*changes: Change, before: int = 4, after: int = 4, same: int = 21, **more: Any) -> Preview:
    """A stack diff of `edge.prod`."""
    diff = Diff(changes=changes, same=same, vms_before=before, vms_after=after)
    timings = {"placed": 0.1, "built": 0.3, "engine": 6.2}
    return Preview(
        mcis=edge(web=after - 1, db=1), diff=diff, timings=timings, words="stacks/edge -e prod", **more
    )


def mixed_preview() -> Preview:
    """One replaced, two added, a firewall opened: the screen of the design."""
    opened = PropertyChange(path="rules", old=["10.0.0.0/8"], new=["10.0.0.0/8", "198.51.100.7/32"])
    firewall = Change(
        key=f"sg/web/local/{SEOUL}", token="t", op=Op.UPDATE, subject=where("web"), properties=(opened,)
    )
    replaced = vm_change("db-1", Op.REPLACE, properties=(image_change(),), replace_reasons=("image",))
    return a_preview(
        firewall,
        vm_change("web-5", Op.CREATE),
        vm_change("web-4", Op.CREATE),
        replaced,
        after=6,
        sources={
            "web-4": "mcis.yaml:11",
            "web-5": "mcis.yaml:11",
            "db-1": "mcis.prod.lock:31",
            firewall.key: "mcis.yaml:22",
        },
        reasons={"web-4": "count 3 -> 5", "web-5": "count 3 -> 5"},
    )


def a_vm(name: str, **more: Any) -> Vm:
    """A machine that exists."""
    group, _, ordinal = name.rpartition("-")
    about = where(group)
    number = 10 * len(group) + int(ordinal)
    return Vm(
        name=name,
        group=group,
        ordinal=int(ordinal),
        connection="local",
        cloud="local",
        region=about.region or "",
        zone="a",
        type="small",
        id=f"i-{number:08x}",
        private_ip=f"10.20.0.{number}",
        public_ip=f"203.0.113.{number}",
        user="mcis",
        host_key="ssh-ed25519 AAAA",
        created_at="2026-11-20T10:00:00Z",
        **more,
    )


def row(name: str, status: Status = Status.RUNNING, **more: Any) -> StatusRow:
    """A machine in `status`."""
    vm = a_vm(name)
    known = {"vm": vm} | more
    return StatusRow(
        name=name, group=vm.group, status=status, connection="local", cloud="local", region=vm.region, **known
    )


def a_report(*rows: StatusRow, display: str = "Running") -> StatusReport:
    """What `status` found."""
    status = display.removeprefix("Partial-").partition(" ")[0]
    return StatusReport(
        stack="edge.prod",
        rows=rows,
        summary={"status": status, "partial": "Partial" in display, "total": len(rows), "display": display},
        last="last up 2026-11-22 14:03 by kim, 41 s",
        lock="lock ok",
    )


def ended(name: str, state: str = "ready", reason: str = "", **more: Any) -> VmResult:
    """How one machine ended."""
    group = name.rpartition("-")[0]
    failure = Failure(code="capacity", stage="create", message=reason) if reason else None
    spent = None if state == "unchanged" else 17.2
    region = where(group).region or ""
    known = {"elapsed_s": spent, "failure": failure} | more
    return VmResult(name=name, group=group, cloud="local", region=region, state=state, **known)


def applied(*vms: VmResult, preview: Preview | None = None, **more: Any) -> Applied:
    """What an `up` did."""
    steps = tuple(
        Step(key=vm.name, token=TOKEN, op=Op.CREATE, ok=vm.failure is None, failure=vm.failure, is_vm=True,
             subject=where(vm.group, vm.name))
        for vm in vms
    )  # fmt: skip
    known: dict[str, Any] = {"outcome": Outcome(steps=steps), "duration_s": 23.4}
    return Applied(preview=preview or mixed_preview(), vms=vms, inventory=Inventory(), **(known | more))


def moved(
    name: str, before: Status = Status.RUNNING, after: Status = Status.SUSPENDED, **more: Any
) -> PowerRow:
    """What became of one machine's power; done unless `state` says something else."""
    group = name.rpartition("-")[0]
    known = {"state": "done", "elapsed_s": 1.2} | more
    region = where(group).region or ""
    return PowerRow(
        name=name, group=group, connection="local", cloud="local", region=region, before=before, after=after,
        **known,
    )  # fmt: skip


def a_power_report(action: str, *rows: PowerRow, **more: Any) -> PowerReport:
    """What `suspend`, `resume` or `reboot` did."""
    return PowerReport(stack="edge.prod", action=action, rows=rows, duration_s=1.4, **more)


@dataclass
class FakePipeline:
    """`mcis_iac.pipeline` without its stages. What it is to answer is set before; `asked` has the calls."""

    checked: Checked | None = None
    next_preview: Preview = field(default_factory=mixed_preview)
    result: Applied = field(default_factory=lambda: applied(ended("web-1")))
    reports: list[StatusReport] = field(default_factory=lambda: [a_report(row("web-1"))])
    hosts: tuple[HostResult, ...] = ()
    acted: ActionReport = field(default_factory=ActionReport)
    copies: tuple[CopyResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    past: History = field(default_factory=lambda: History(stack="edge.prod", operations=(), total=0))
    values: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    error: BaseException | None = None
    question: DownQuestion = field(
        default_factory=lambda: DownQuestion(
            stack="edge.prod", vms=(a_vm("web-1"), a_vm("web-2")), type_name=False
        )
    )
    asked: dict[str, Any] = field(default_factory=dict)
    request: Request = field(default_factory=Request)
    changed: bool = False
    powered: PowerReport = field(default_factory=lambda: a_power_report("suspend", moved("web-1")))
    well: bool = False

    def _begin(self, request: Request, **asked: Any) -> None:
        self.request, self.asked = request, asked
        for event in self.events:
            request.listen(event)
        if self.error is not None:
            raise self.error

    def check(self, request: Request, *, types: bool = False) -> Checked:
        self._begin(request, types=types)
        return self.checked or Checked(mcis=edge(), diagnostics=(), texts={})

    def render(self, request: Request, *, locked: bool = False) -> Any:
        self._begin(request, locked=locked)
        return edge()

    def graph_text(self, graph: Mcis, form: str) -> str:
        return f"{graph.stack} as {form}"

    def preview(self, request: Request, *, targets: Sequence[str] = (), locked: bool = False) -> Preview:
        self._begin(request, targets=targets, locked=locked)
        return self.next_preview

    def up(self, request: Request, *, confirm: Any, expect_no_changes: bool = False, **asked: Any) -> Applied:
        self._begin(request, **asked)
        if expect_no_changes and not self.next_preview.diff.empty:
            raise UnexpectedChange(summary="there are changes")
        confirm(self.next_preview)
        self.changed = True
        return self.result

    def scale(self, request: Request, wants: Sequence[str], *, confirm: Any, **asked: Any) -> Applied:
        self._begin(request, wants=wants, **asked)
        confirm(self.next_preview)
        self.changed = True
        return self.result

    def down(self, request: Request, *, confirm: Any, **asked: Any) -> Applied:
        self._begin(request, **asked)
        confirm(self.question)
        self.changed = True
        return self.result

    def refresh(self, request: Request) -> Applied:
        self._begin(request)
        return self.result

    def status(self, request: Request, selection: Selection, **asked: Any) -> StatusReport:
        self._begin(request, selection=selection, **asked)
        if not self.reports:
            raise KeyboardInterrupt
        return self.reports.pop(0)

    def history(self, request: Request, **asked: Any) -> History:
        self._begin(request, **asked)
        return self.past

    def outputs(self, request: Request) -> Mapping[str, Any]:
        self._begin(request)
        return self.values

    def execute(
        self, request: Request, selection: Selection, command: Sequence[str], *, on_output: Any, **asked: Any
    ) -> tuple[HostResult, ...]:
        self._begin(request, selection=selection, command=command, **asked)
        for host in self.hosts:
            for line in host.stdout.splitlines():
                on_output(host.vm, "stdout", line)
            for line in host.stderr.splitlines():
                on_output(host.vm, "stderr", line)
        return self.hosts

    def run(
        self, request: Request, names: Sequence[str], selection: Selection, *, on_output: Any, **asked: Any
    ) -> ActionReport:
        self._begin(request, names=names, selection=selection, **asked)
        for row in self.acted.rows:
            for line in row.result.stdout.splitlines() if row.result else ():
                on_output(row.vm, "stdout", line)
        return self.acted

    def power(self, request: Request, control: str, selection: Selection, **asked: Any) -> PowerReport:
        self._begin(request, control=control, selection=selection, **asked)
        return self.powered

    def terminate(self, request: Request, selection: Selection, *, confirm: Any, **asked: Any) -> Applied:
        self._begin(request, selection=selection, **asked)
        confirm(self.next_preview)
        self.changed = True
        return self.result

    def heal(self, request: Request, selection: Selection, *, confirm: Any, **asked: Any) -> Applied | None:
        self._begin(request, selection=selection, **asked)
        if self.well:
            return None
        confirm(self.next_preview)
        self.changed = True
        return self.result

    def copy(self, request: Request, source: str, target: str, **asked: Any) -> tuple[CopyResult, ...]:
        self._begin(request, source=source, target=target, **asked)
        return self.copies

    def known_hosts(self, request: Request) -> str:
        self._begin(request)
        return "198.18.0.4,web-1 ssh-ed25519 AAAA\n"

    def read_known_hosts(self, request: Request, path: str) -> Mapping[str, str]:
        self._begin(request, path=path)
        return {"web-1": "new"}

    def ssh_command(self, request: Request, vm: str, command: Sequence[str]) -> list[str]:
        self._begin(request, vm=vm, command=command)
        return ["ssh", "-l", "mcis", vm, *command]

    def explain(self, topic: str) -> str:
        return f"the story of {topic}"

    def eject(self, request: Request, directory: Path) -> tuple[Path, ...]:
        self._begin(request)
        return (directory / "__main__.py",)

    def scaffold(self, directory: Path, template: str) -> tuple[Path, ...]:
        return (directory / f"{template}.yaml",)

    def doctor(
        self, request: Request, *, target: str | None = None, install: bool = False
    ) -> tuple[Finding, ...]:
        self._begin(request, target=target, install=install)
        return self.findings


def refusal(kind: type[McisError]) -> McisError:
    """An error with all its parts."""
    return kind(summary="it went wrong", detail="The particulars.", hint="do this")

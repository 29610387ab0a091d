"""What the verbs need of the front door, so that a test can put another one in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from mcis_iac.model import Status
    from mcis_iac.pipeline import (
        ActionReport,
        Applied,
        Checked,
        Confirm,
        ConfirmDown,
        CopyResult,
        DoctorReport,
        History,
        HostResult,
        OnOutput,
        PowerReport,
        Preview,
        Request,
        Selection,
        StatusReport,
    )


class Stages(Protocol):
    """The functions of `mcis_iac.pipeline`; it documents them."""

    def check(self, request: Request, *, types: bool = False) -> Checked: ...
    def render(self, request: Request, *, locked: bool = False) -> Any: ...
    def graph_text(self, graph: Any, form: str) -> str: ...
    def preview(self, request: Request, *, targets: Sequence[str] = (), locked: bool = False) -> Preview: ...
    def up(
        self,
        request: Request,
        *,
        targets: Sequence[str] = (),
        replace: Sequence[str] = (),
        locked: bool = False,
        retry_dropped: bool = False,
        force_protected: bool = False,
        expect_no_changes: bool = False,
        confirm: Confirm,
    ) -> Applied: ...
    def down(
        self,
        request: Request,
        *,
        targets: Sequence[str] = (),
        remove: bool = False,
        force_protected: bool = False,
        confirm: ConfirmDown,
    ) -> Applied: ...
    def refresh(self, request: Request) -> Applied: ...
    def scale(
        self,
        request: Request,
        wants: Sequence[str],
        *,
        remove: Sequence[str] = (),
        write: bool = True,
        force_protected: bool = False,
        confirm: Confirm,
    ) -> Applied: ...
    def status(
        self,
        request: Request,
        selection: Selection,
        *,
        clouds: Sequence[str] = (),
        statuses: Sequence[Status] = (),
        orphans: bool = False,
    ) -> StatusReport: ...
    def history(self, request: Request, *, limit: int | None = None, show: int | None = None) -> History: ...
    def outputs(self, request: Request) -> Mapping[str, Any]: ...
    def execute(
        self,
        request: Request,
        selection: Selection,
        command: Sequence[str],
        *,
        on_output: OnOutput,
        timeout_s: float | None = None,
        serial: int | None = None,
        sudo: bool = False,
        script: str | None = None,
        setenv: Mapping[str, str] = ...,
        stdin: int | None = None,
    ) -> tuple[HostResult, ...]: ...
    def copy(
        self,
        request: Request,
        source: str,
        target: str,
        *,
        recursive: bool = False,
        sudo: bool = False,
        timeout_s: float | None = None,
        tell_every_s: float = 10.0,
    ) -> tuple[CopyResult, ...]: ...
    def power(
        self,
        request: Request,
        control: str,
        selection: Selection,
        *,
        serial: int | None = None,
        force: bool = False,
        partial: bool = False,
    ) -> PowerReport: ...
    def terminate(
        self, request: Request, selection: Selection, *, force_protected: bool = False, confirm: Confirm
    ) -> Applied: ...
    def heal(
        self,
        request: Request,
        selection: Selection,
        *,
        serial: int | None = None,
        force_protected: bool = False,
        confirm: Confirm,
    ) -> Applied | None: ...
    def run(
        self,
        request: Request,
        names: Sequence[str],
        selection: Selection,
        *,
        on_output: OnOutput,
        timeout_s: float | None = None,
        serial: int | None = None,
    ) -> ActionReport: ...
    def known_hosts(self, request: Request) -> str: ...
    def read_known_hosts(self, request: Request, path: str) -> Mapping[str, str]: ...
    def ssh_command(self, request: Request, vm: str, command: Sequence[str]) -> list[str]: ...
    def explain(self, topic: str) -> str: ...
    def eject(self, request: Request, directory: Path) -> Sequence[Path]: ...
    def scaffold(self, directory: Path, template: str) -> Sequence[Path]: ...
    def doctor(
        self, request: Request, *, target: str | None = None, install: bool = False
    ) -> DoctorReport: ...

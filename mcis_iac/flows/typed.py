"""`validate --types`: the graph of a valid manifest against what the providers' packages know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mcis_iac.flows import ground as grounds
from mcis_iac.manifest.diagnostics import failed, in_order, problem
from mcis_iac.model import Diagnostic, Mcis, Span
from mcis_iac.pipeline import Checked, Request
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph
from mcis_iac.program.types import TypeProblem, problems

MISFIT = "MCIS290"


def check(request: Request) -> Checked:
    """What `validate` finds, and what does not fit the typed packages when there is a graph at all."""
    checked = grounds.check(request)
    if checked.mcis is None:
        return checked
    plan = grounds.place(grounds.ground(request)).plan
    found = (*checked.diagnostics, *misfits(plan.mcis, build(plan)))
    return replace(
        checked,
        mcis=None if failed(found) else checked.mcis,
        diagnostics=in_order(found, tuple(checked.texts)),
    )


def misfits(mcis: Mcis, graph: Graph) -> Iterator[Diagnostic]:
    """One for all resources of a place that have the same problem: a group's VMs are all alike."""
    alike: dict[tuple[str, str, str, str | None, str | None], list[TypeProblem]] = {}
    for one in problems(graph):
        subject, token = one.resource.subject, one.resource.token
        alike.setdefault((token, one.path, one.problem, subject.group, subject.connection), []).append(one)
    for same in alike.values():
        first, subject = same[0], same[0].resource.subject
        others = f" (and {len(same) - 1} more)" if len(same) > 1 else ""
        where = f" {first.path}" if first.path else ""
        yield problem(
            MISFIT,
            _place(mcis, subject.group, subject.connection),
            f"{first.resource.key}{others}:{where} {first.problem}",
            notes=(f"resource type {first.resource.token} {first.resource.version}".strip(),),
            group=subject.group,
        )


def _place(mcis: Mcis, group: str | None, connection: str | None) -> Span | None:
    return mcis.span(f"groups.{group}" if group else f"connections.{connection}")

"""What does not fit the typed packages, told at the group it concerns."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.mcis import a_group, an_mcis

from mcis_iac.flows import typed
from mcis_iac.model import Mcis, Severity, Span, Subject
from mcis_iac.pipeline import Request, check
from mcis_iac.program.graph import Graph, Resource
from mcis_iac.report.diagnostics import render

# The packages are seconds and 200 MiB to import: one worker is enough for all that need them.
pytestmark = pytest.mark.xdist_group("typed packages")
WEB = Span(file="mcis.yaml", line=3, column=3, end_line=3, end_column=6)


def a_shop() -> Mcis:
    return an_mcis(a_group("web", 3), spans={"groups.web": WEB})


def three_ports(**inputs: object) -> Graph:
    ports = (
        Resource(
            key=f"nic/web-{n}",
            token="openstack:networking/port:Port",
            version="5.5.3",
            inputs={"networkId": "n", **inputs},
            subject=Subject(group="web", vm=f"web-{n}", connection="os"),
        )
        for n in (1, 2, 3)
    )
    return Graph(project="default", stack="shop", resources=tuple(ports), outputs={})


def test_machines_that_are_alike_are_told_of_once_at_their_group() -> None:
    (found,) = typed.misfits(a_shop(), three_ports(fixed_ips=[]))
    assert (found.code, found.severity, found.span, found.group) == ("MCIS290", Severity.ERROR, WEB, "web")
    assert found.detail == "nic/web-1 (and 2 more): fixed_ips is not an input; it is spelled fixedIps"
    assert found.notes == ("resource type openstack:networking/port:Port 5.5.3",)


def test_a_graph_that_fits_says_nothing() -> None:
    assert list(typed.misfits(a_shop(), three_ports())) == []


@pytest.mark.parametrize("form", ["full", "concise", "json", "github", "gitlab", "sarif"])
def test_every_format_names_the_place_and_the_input(form: str) -> None:
    found = tuple(typed.misfits(a_shop(), three_ports(adminStateUp="yes")))
    text = render(
        found, {"mcis.yaml": "name: shop\ngroups:\n  web:\n"}, format=form, color=False, name="shop"
    )
    assert "MCIS290" in text and "mcis.yaml" in text and "adminStateUp" in text


def a_manifest(folder: Path, region: str) -> Request:
    text = (
        "version: 1\nname: shop\ngroups:\n"
        "  web:\n    count: 2\n    placement: {cloud: aws, region: us-east-1}\n"
        f"  api:\n    count: 1\n    placement: {{cloud: gcp, region: {region}}}\n"
    )
    (folder / "mcis.yaml").write_text(text, encoding="utf-8")
    return Request(file=str(folder))


def test_a_manifest_over_clouds_fits_their_packages(tmp_path: Path) -> None:
    checked = check(a_manifest(tmp_path, "us-central1"), types=True)
    assert checked.diagnostics == () and checked.mcis is not None


def test_a_manifest_with_errors_has_no_graph_to_check(tmp_path: Path) -> None:
    request = a_manifest(tmp_path, "nowhere")
    assert check(request, types=True) == check(request)
    assert check(request).mcis is None

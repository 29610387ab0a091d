"""From text to screen: what a user sees of broken manifests, as whole pages."""

from __future__ import annotations

import pytest
from manifests import HEAD, HERE, SMALL, loaded

from mcis_iac.report.diagnostics import render

SCREENS = {
    "many": f"""\
version: 1
naem: edge
labels: {{team: 7}}
networks: {{main: {{cidr: 10.20.128.0/17}}, back: {{cidr: 10.20.0.0/16}}}}
firewalls:
  web:
    - {{ports: [22, 70000], from: [anywhere, "group:wbe"]}}
groups:
  web:
    cuont: 3
    {HERE}
    network: main
    firewall: wbe
    disk: {{size: 30}}
    public_ip: yes
  web-1:
    placement: {{cloud: locl, region: x}}
    network: bcak
  db:
    count: 2
    labels: {{mcis-group: x}}
  db:
    count: many
    placement: {{cloud: local}}
""",
    "unclosed": f"{HEAD}groups:\n  web: {{count: 3, {HERE}\n  db: 1\n",
    "tab": f"{HEAD}groups:\n\tweb: 1\n",
    "empty": "",
    "two-documents": f"{SMALL}---\n{SMALL}",
    "non-ascii": f"{HEAD}description: 서울의 웹 🦊\ngroups: {{웹: {{{HERE}}}}}\n",
}


@pytest.mark.parametrize("name", SCREENS)
def test_a_broken_manifest_is_shown(golden, name: str) -> None:
    found = loaded(SCREENS[name])
    golden(f"diagnostics/screen-{name}.txt", render(found.diagnostics, found.texts, name="mcis.yaml"))


def test_base_overlay_and_set_are_shown_each_in_its_own_text(golden) -> None:
    found = loaded(
        SMALL.replace("groups:", "networks: {main: {cidr: 10.20.128.0/17}}\ngroups:"),
        overlay="networks:\n  back:\n    cidr: 10.20.0.0/16\n",
        sets=["groups.web.network=main", "groups.web.cuont=5"],
    )
    golden("diagnostics/screen-layers.txt", render(found.diagnostics, found.texts, name="prod"))

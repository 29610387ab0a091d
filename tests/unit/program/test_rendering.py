"""A graph as text: complete, stable, and without secrets."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml
from fakes.mcis import KEY, TOKYO, a_group, a_plan

from mcis_iac.model import Disk, Firewall, FirewallRule, Setup, SetupFile
from mcis_iac.program.build import build
from mcis_iac.program.graph import Graph, Options, Ref, Resource, Secret
from mcis_iac.program.render import as_json, as_text, as_yaml


def a_shop() -> Graph:
    walls = {"web": Firewall(name="web", rules=(FirewallRule(sources=("anywhere",), ports=((80, 80),)),))}
    setup = Setup(files=(SetupFile(path="/etc/motd", content="hi\n"),), run=("touch /ready",))
    web = a_group("web", 2, firewalls=("web",), setup=setup)
    disk = Disk(name="data", size_gib=20, mount="/data")
    db = a_group("db", 1, region=TOKYO, public_ip="static", disks=(disk,), labels={"role": "store"})
    found = build(a_plan(web, db, firewalls=walls, env="prod"))
    # The version of the tool is no part of what is looked at here.
    pinned = tuple(
        Resource(**{**{n: getattr(r, n) for n in Resource.__slots__}, "version": "0.1.0"})
        for r in found.resources
    )
    return Graph(project=found.project, stack=found.stack, resources=pinned, outputs=found.outputs)


def test_the_json_of_a_shop_is_what_it_has_always_been(golden) -> None:
    golden("render/shop.json", as_json(a_shop()))


def test_the_text_of_a_shop_is_what_it_has_always_been(golden) -> None:
    golden("render/shop.txt", as_text(a_shop()))


def test_yaml_and_json_say_the_same() -> None:
    assert yaml.safe_load(as_yaml(a_shop())) == json.loads(as_json(a_shop()))


@pytest.mark.parametrize("shown", [as_json, as_yaml, as_text])
def test_a_secret_is_never_shown(shown) -> None:
    nested = {"deep": [{"password": Secret("hunter2")}]}
    resource = Resource(key="one", token="x:y:Z", inputs={"password": Secret("hunter2"), **nested})
    graph = Graph(project="p", stack="s", resources=(resource,), outputs={"o": Secret("hunter2")})
    assert "hunter2" not in shown(graph)
    assert shown(graph).count("[secret]") == 3


def test_references_and_options_are_shown() -> None:
    options = Options(depends_on=("a", "b"), delete_before_replace=True)
    resource = Resource(
        key="c", token="x:y:Z", inputs={"at": Ref("a"), "ip": Ref("b", "x.0")}, options=options
    )
    text = as_text(Graph(project="p", stack="s", resources=(resource,), outputs={}))
    assert "at: ${a}" in text and "ip: ${b.x.0}" in text
    assert "(depends on: a, b, delete before replace)" in text


def test_a_public_key_is_shown() -> None:
    assert KEY in as_json(a_shop())


@pytest.mark.process("asks a fresh interpreter what it has loaded")
def test_rendering_loads_neither_pulumi_nor_the_network() -> None:
    code = (
        "import sys; import mcis_iac.program.build, mcis_iac.program.render, mcis_iac.placement.members\n"
        "from mcis_iac.clouds import registry; registry.graph('local').facts()\n"
        "print([name for name in ('pulumi', 'grpc', 'asyncssh', 'jsonschema') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_text_of_several_lines_is_shown_as_such_wherever_it_is() -> None:
    inputs = {"metadata": {"user": "kim", "script": "#!/bin/sh\ntrue\n"}, "tags": {"a": "b"}}
    graph = Graph(
        project="p", stack="s", resources=(Resource(key="web-1", token="a:b:C", inputs=inputs),), outputs={}
    )
    assert as_text(graph).splitlines()[3:9] == [
        "  metadata:",
        "    user: kim",
        "    script: |",
        "      #!/bin/sh",
        "      true",
        "  tags: {a: b}",
    ]

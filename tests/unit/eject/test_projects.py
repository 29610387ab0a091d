"""Ejected projects of graphs made by hand: what becomes a loop, a table, a word, a secret."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mcis_iac.eject.files import Ejected, Stack, ejected, write
from mcis_iac.errors import UsageError
from mcis_iac.model import Subject
from mcis_iac.program.graph import Graph, Join, Options, Ref, Resource, Secret, Value

PROVIDER = Resource(key="provider/here", token="pulumi:providers:fake", inputs={}, version="1.0.0")
STACK = Stack(untyped={"fake": "faker"})


def thing(key: str, kind: str = "Instance", *, options: Options | None = None, **inputs: Any) -> Resource:
    """A resource; one named like a machine belongs to it."""
    vm = key.split("/")[1] if "/" in key else key
    group = vm.rpartition("-")[0] or None
    shared = group is None
    return Resource(
        key=key,
        token=f"fake:index:{kind}",
        inputs=inputs,
        version="1.0.0",
        provider=PROVIDER.key,
        outputs=("address",),
        options=options or Options(),
        subject=Subject(connection="here") if shared else Subject(connection="here", group=group, vm=vm),
    )


def eject(*resources: Resource, outputs: Mapping[str, Value] | None = None, **stack: Any) -> Ejected:
    machines = [each for each in resources if each.subject.vm == each.key]
    inventory: dict[str, Value] = {
        each.key: {"group": each.subject.group, "address": Ref(each.key, "address")} for each in machines
    }
    found = outputs if outputs is not None else {"inventory": inventory}
    graph = Graph(project="ns", stack="shop", resources=(PROVIDER, *resources), outputs=found)
    return ejected(graph, Stack(untyped=STACK.untyped, **stack))


def module(made: Ejected) -> str:
    for name, text in made.files.items():
        if name.endswith(".py"):
            ast.parse(text)
    return made.files["connections/here.py"]


def test_machines_that_differ_by_their_number_are_one_loop_over_the_config() -> None:
    made = eject(*(thing(f"web-{n}", name=f"shop-web-{n}") for n in (1, 2, 3)))
    assert module(made).count("local_cloud.Instance(") == 1
    assert 'name=f"shop-{vm}"' in module(made)
    assert "ns:web: 3\n" in made.files["Pulumi.shop.yaml"]


def test_a_group_with_gaps_names_its_numbers_in_the_config() -> None:
    made = eject(*(thing(f"web-{n}") for n in (1, 3)))
    assert "ns:web: [1, 3]\n" in made.files["Pulumi.shop.yaml"]


def test_values_that_come_round_again_are_a_table_for_machines_to_come_too() -> None:
    made = eject(*(thing(f"web-{n}", rack=rack) for n, rack in enumerate("xyxy", start=1)))
    assert 'racks = ("x", "y")' in module(made)
    assert "rack = racks[(n - 1) % len(racks)]" in module(made)


def test_values_of_no_order_are_a_table_by_number() -> None:
    made = eject(*(thing(f"web-{n}", rack=rack) for n, rack in enumerate("xyz", start=1)))
    assert '3: "z",' in module(made)
    assert "rack = each[n]" in module(made)


def test_machines_of_another_form_have_a_loop_of_their_own() -> None:
    made = eject(thing("web-1", size=1), thing("web-2", size=1, extra=["a"]), thing("web-3", size=1))
    assert "for n in (1, 3):" in module(made)
    assert "for n in (2,):" in module(made)


def test_a_machine_that_needs_another_of_its_group_is_not_made_in_its_loop() -> None:
    made = eject(thing("web-1"), thing("web-2", leader=Ref("web-1")))
    assert "for n in (1,):" in module(made) or 'made["web-1"]' in module(made)


def test_the_parts_of_a_machine_are_made_in_its_turn() -> None:
    disks = [thing(f"disk/web-{n}", "Volume") for n in (1, 2)]
    machines = [thing(f"web-{n}", disk=Ref(f"disk/web-{n}")) for n in (1, 2)]
    parts = [each for pair in zip(disks, machines, strict=True) for each in pair]
    text = module(eject(*parts))
    assert "volume = local_cloud.Volume(" in text
    assert "disk=volume.id," in text


def test_a_list_of_all_addresses_follows_the_config() -> None:
    addresses = [Join((Ref(f"web-{n}", "address"), "/32")) for n in (1, 2)]
    made = eject(thing("web-1"), thing("web-2"), thing("wall", "Wall", sources=addresses))
    assert 'for vm in machines("web")' in module(made)
    assert 'pulumi.Output.concat(inventory[vm]["address"], "/32")' in module(made)
    assert "connections.here.links()" in made.files["__main__.py"]


def test_shared_resources_that_are_alike_are_one_loop() -> None:
    made = eject(
        *(thing(f"subnet/main/{zone}", "Subnet", zone=zone) for zone in "abc"),
        thing("web", subnet=Ref("subnet/main/b")),
    )
    assert 'for zone in ("a", "b", "c"):' in module(made)
    assert 'subnet=subnets["b"].id' in module(made)


def test_options_keep_their_effect() -> None:
    options = Options(
        depends_on=("net",), ignore_changes=("image",), delete_before_replace=True, deleted_with="net"
    )
    text = module(eject(thing("net", "Network"), thing("web-1", options=options)))
    for part in (
        "depends_on=[network]",
        'ignore_changes=["image"]',
        "delete_before_replace=True",
        "deleted_with=network",
    ):
        assert part in text


def test_a_secret_becomes_config_and_is_in_no_file() -> None:
    made = eject(thing("net", "Network", token=Secret("hush-hush")))
    assert "config.require_secret(" in module(made)
    assert list(made.secrets.values()) == ["hush-hush"]
    assert not [name for name, text in made.files.items() if "hush-hush" in text]


def test_a_private_key_inside_a_text_is_left_out_of_its_file() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"
    data = Secret("#cloud-config\nssh_keys:\n  private: |\n    " + key.replace("\n", "\n    ") + "\n")
    made = eject(thing("web-1", data=data))
    assert "    @{host_key}\n" in made.files["boot/web.yaml"]
    assert made.secrets == {"hostKeys.web-1": key}
    assert "hostKeys.web-1" in made.files["README.md"]


def test_a_text_with_words_of_our_form_stays_as_it_is() -> None:
    text = "#cloud-config\n" + "x" * 80 + "@{vm}\n"
    made = eject(thing("web-1", data=text))
    assert not [name for name in made.files if name.startswith("boot/")]
    assert "@{vm}" in module(made)


def test_texts_that_differ_freely_are_a_file_for_each_machine() -> None:
    long = "#!/bin/sh\n" + "echo\n" * 20
    made = eject(thing("web-1", data=long + "a"), thing("web-2", data=long + "b"))
    assert {"boot/web-1.sh", "boot/web-2.sh"} <= set(made.files)
    assert 'boot(f"{vm}.sh")' in module(made)


def test_words_that_mean_something_to_python_are_still_words() -> None:
    strange = "a{b}\"c'\\\n"
    made = eject(thing("web-1", note=strange + "web-1"), thing("web-2", note=strange + "web-2"))
    module(made)


def test_what_another_connection_has_is_named_with_its_module() -> None:
    there = Resource(key="provider/there", token="pulumi:providers:fake", inputs={}, version="1.0.0")
    graph = Graph(
        project="ns",
        stack="shop",
        resources=(
            PROVIDER,
            there,
            thing("net", "Network"),
            Resource(key="peer", token="fake:index:Peer", inputs={"to": Ref("net")}, provider=there.key),
        ),
        outputs={},
    )
    text = ejected(graph, STACK).files["connections/there.py"]
    assert "to=connections.here.network.id" in text
    assert "import connections.here" in text


def test_other_outputs_are_exported_too() -> None:
    made = eject(thing("net", "Network"), outputs={"network": Ref("net")})
    assert 'pulumi.export("network", connections.here.network.id)' in made.files["__main__.py"]


def test_settings_of_the_engine_come_along() -> None:
    made = eject(thing("net", "Network"), engine={"encryptionsalt": "v1:abc"}, backend="s3://states")
    assert made.files["Pulumi.shop.yaml"].startswith("encryptionsalt: v1:abc\nconfig:\n")
    assert "pulumi login s3://states\n" in made.files["README.md"]


def test_the_same_graph_gives_the_same_project() -> None:
    resources = [thing(f"web-{n}", rack=f"r{n}") for n in (1, 2, 3)]
    assert eject(*resources) == eject(*resources)


def test_files_are_written_into_a_new_or_an_empty_folder(tmp_path: Path) -> None:
    made = eject(thing("net", "Network"))
    paths = write(tmp_path / "new", made)
    assert {str(path.relative_to(tmp_path / "new")) for path in paths} == set(made.files)
    (tmp_path / "empty").mkdir()
    assert write(tmp_path / "empty", made)


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError) as refused:
        write(tmp_path, eject(thing("net", "Network")))
    assert refused.value.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError):
        write(tmp_path / "mine", eject(thing("net", "Network")))

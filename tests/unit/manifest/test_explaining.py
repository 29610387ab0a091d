"""`mcis explain`: codes and fields, from the catalogue and the schema."""

from __future__ import annotations

import pytest

from mcis_iac.errors import NotFoundError
from mcis_iac.manifest import schema
from mcis_iac.manifest.codes import CODES
from mcis_iac.manifest.explain import explain


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_text(code: str) -> None:
    assert explain(code).startswith(f"{CODES[code].severity}[{code}]: {CODES[code].summary}\n\n")


@pytest.mark.parametrize("topic", ["mcis204", "204", "MCIS204"])
def test_a_code_may_be_written_shortly(topic: str) -> None:
    assert "MCIS204" in explain(topic).splitlines()[0]


@pytest.mark.parametrize("topic", ["groups.web.disk", "keys.ops", "firewalls", "groups.web.disks.0.size"])
def test_a_field_is_explained_from_the_schema(golden, topic: str) -> None:
    golden(f"diagnostics/explain-{topic.replace('.', '-')}.txt", explain(topic))


def test_the_whole_manifest_lists_every_section() -> None:
    text = explain("manifest")
    assert all(f"\n  {name} " in text for name in schema.document()["properties"])


@pytest.mark.parametrize(
    ("topic", "meant"),
    [
        ("groups.web.dsk", "groups.web.disk"),
        ("grups.web.disks.siz", "groups.web.disks.size"),
        ("disk", "groups.NAME.disk"),
        ("nme", "name"),
        ("MCIS299", "MCIS209"),
    ],
)
def test_an_unknown_topic_is_not_found_with_the_nearest(topic: str, meant: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        explain(topic)
    assert caught.value.hint == f"did you mean {meant}?"


@pytest.mark.parametrize("topic", ["", "...", "groups.", "zzzzzz", "groups.web.disk.size.more", "x" * 10_000])
def test_nonsense_is_not_found(topic: str) -> None:
    with pytest.raises(NotFoundError):
        explain(topic)

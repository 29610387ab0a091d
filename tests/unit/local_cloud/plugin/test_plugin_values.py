"""Property values survive the way to the wire and back."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.local_cloud.plugin import values, wire
from mcis_iac.local_cloud.plugin.values import MARKS, SECRET, SIGNATURE, UNKNOWN, Plain

leaves = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text().filter(lambda text: text not in MARKS),
    st.just(UNKNOWN),
)
names = st.text().filter(lambda name: not name.startswith("__") and name != SIGNATURE)
trees = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=10)


@given(st.dictionaries(names, trees))
def test_what_is_written_is_read_back(properties: dict[str, Plain]) -> None:
    assert values.read(values.write(properties)) == properties


def test_whole_numbers_come_back_as_int() -> None:
    found = values.read(values.write({"port": 22, "share": 0.5}))
    assert {key: type(value) for key, value in found.items()} == {"port": int, "share": float}


def test_nulls_and_the_engine_s_own_keys_are_left_out_when_read() -> None:
    assert values.read(values.write({"a": None, "__internal": "x", "b": ""})) == {"b": ""}


@pytest.mark.parametrize("mark", sorted(MARKS))
def test_every_mark_of_the_protocol_means_unknown(mark: str) -> None:
    assert values.read(values.write({"a": [mark]})) == {"a": [UNKNOWN]}


def test_a_wrapped_secret_is_read_as_its_value() -> None:
    assert values.read(values.write({"a": {SIGNATURE: SECRET, "value": "hush"}})) == {"a": "hush"}


def test_what_is_unknown_deep_inside_is_noticed() -> None:
    assert values.knows({"a": [1, {"b": "c"}]})
    assert not values.knows({"a": [1, {"b": UNKNOWN}]})


def test_the_unknown_mark_is_the_sdk_s_own() -> None:
    from pulumi.runtime import rpc

    assert rpc.UNKNOWN == values.TEXT_MARK
    assert (rpc._special_sig_key, rpc._special_secret_sig) == (SIGNATURE, SECRET)


def test_the_protocol_s_modules_are_those_of_the_sdk() -> None:
    from pulumi.runtime import proto

    assert proto.CheckRequest is wire.messages.CheckRequest


@pytest.mark.process  # what an import loads is only seen in a fresh interpreter
def test_the_plugin_starts_without_the_sdk_and_leaves_its_place_free() -> None:
    code = (
        "import sys, mcis_iac.local_cloud.plugin.lifetime\n"
        "heavy = {'pulumi', 'pulumi.runtime', 'asyncssh', 'cryptography', 'yaml', 'sqlite3'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "import pulumi\n"
        "assert pulumi.CustomResource and pulumi.runtime.proto.CheckRequest\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

"""The part of cloud-config the local cloud understands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.local_cloud.bootconfig import parse
from mcis_iac.local_cloud.types import BootPlan, LocalCloudError


def plan(body: str) -> BootPlan:
    return parse(f"#cloud-config\n{body}")


def refusal(text: str) -> str:
    with pytest.raises(LocalCloudError) as refused:
        parse(text)
    assert refused.value.code == "invalid"
    return refused.value.message


def test_nothing_to_do_is_an_empty_plan() -> None:
    assert plan("") == plan("{}") == BootPlan()


def test_commands_may_be_texts_or_lists_of_words() -> None:
    assert plan("runcmd: ['echo a; echo b', [echo, 'a b', 1]]").runcmd == ("echo a; echo b", "echo 'a b' 1")
    assert plan("bootcmd: [date]").bootcmd == ("date",)


def test_a_file_has_path_content_mode_and_owner() -> None:
    found = plan("write_files: [{path: /etc/motd, content: hi, permissions: '0600', owner: 'www:www'}]")
    assert found.files == (("/etc/motd", "hi", 0o600, "www:www"),)


@pytest.mark.parametrize("written", ["'0755'", "0755", "'755'"])
def test_permissions_are_octal_however_they_are_written(written: str) -> None:
    assert plan(f"write_files: [{{path: /x, permissions: {written}}}]").files[0][2] == 0o755


def test_base64_content_is_decoded() -> None:
    found = plan("write_files: [{path: /x, content: aGVsbG8=, encoding: b64}]")
    assert found.files[0][1] == "hello"


def test_what_the_cloud_does_itself_is_accepted() -> None:
    assert plan("hostname: x\nusers: [default]\nssh_deletekeys: true") == BootPlan()


def test_any_other_key_is_refused_by_name() -> None:
    assert "'mounts'" in refusal("#cloud-config\nmounts: []")


def test_the_header_is_required() -> None:
    assert refusal("#!/bin/sh\ndate") == "boot config: the first line must be #cloud-config"


@pytest.mark.parametrize(
    "body",
    [
        "- a list",
        "runcmd: date",
        "runcmd: [[]]",
        "runcmd: [{a: b}]",
        "packages: [1]",
        "packages: ['-y']",
        "write_files: [{content: x}]",
        "write_files: [{path: relative}]",
        "write_files: [{path: /a/../../b}]",
        "write_files: [{path: /dir/}]",
        "write_files: [{path: /x, permissions: rwx}]",
        "write_files: [{path: /x, permissions: '17777'}]",
        "write_files: [{path: /x, encoding: gzip}]",
        "write_files: [{path: /x, encoding: b64, content: '%%%='}]",
        "write_files: [{path: /x, append: true}]",
        "write_files: [{path: /x, content: [1]}]",
        "a: [",
        "a: &a [*a]",
    ],
)
def test_what_is_not_understood_is_refused(body: str) -> None:
    refusal(f"#cloud-config\n{body}")


@given(st.text())
def test_any_text_gives_a_plan_or_a_refusal(body: str) -> None:
    try:
        plan(body)
    except LocalCloudError as refused:
        assert refused.code == "invalid"

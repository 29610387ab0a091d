"""The part of cloud-config that the local cloud understands, as a BootPlan.

The cloud sets host name, login user, keys and host keys itself, so those keys are accepted and
have no effect. Any other key is refused by name: better no machine than one half set up.
"""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from mcis_iac.local_cloud.types import BootPlan, LocalCloudError

HEADER = "#cloud-config"
DONE_BY_THE_CLOUD = frozenset(
    {"hostname", "users", "ssh_authorized_keys", "ssh_keys", "ssh_deletekeys", "ssh_genkeytypes"}
)
UNDERSTOOD = frozenset({"bootcmd", "write_files", "packages", "runcmd"})
FILE_KEYS = frozenset({"path", "content", "permissions", "owner", "encoding"})
DEFAULT_MODE = 0o644
MAX_MODE = 0o7777


def _invalid(problem: str) -> LocalCloudError:
    return LocalCloudError("invalid", f"boot config: {problem}")


def parse(user_data: str) -> BootPlan:
    """The plan of a `#cloud-config` text; LocalCloudError("invalid") names what is not understood."""
    if user_data.partition("\n")[0].rstrip() != HEADER:
        raise _invalid(problem=f"the first line must be {HEADER}")
    document = _load(user_data)
    for key in document:
        if key not in UNDERSTOOD | DONE_BY_THE_CLOUD:
            known = ", ".join(sorted(UNDERSTOOD))
            raise _invalid(problem=f"key {key!r} is not supported here (supported: {known})")
    return BootPlan(
        bootcmd=tuple(_command("bootcmd", each) for each in _list(document, "bootcmd")),
        files=tuple(_file(each) for each in _list(document, "write_files")),
        packages=tuple(_package(each) for each in _list(document, "packages")),
        runcmd=tuple(_command("runcmd", each) for each in _list(document, "runcmd")),
    )


def _load(user_data: str) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(user_data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _invalid(problem=f"not readable as YAML: {' '.join(str(error).split())}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise _invalid(problem="must be a mapping")
    return document


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    found = document.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise _invalid(problem=f"{key} must be a list")
    return found


def _command(key: str, command: Any) -> str:
    """A shell line; a list is one command whose words are quoted."""
    if isinstance(command, str):
        return command
    if isinstance(command, list) and command and all(_scalar(word) for word in command):
        return shlex.join(str(word) for word in command)
    raise _invalid(problem=f"{key}: {command!r} is neither a text nor a list of words")


def _scalar(word: Any) -> bool:
    return isinstance(word, str | int | float) and not isinstance(word, bool)


def _package(name: Any) -> str:
    if not isinstance(name, str) or not name or name.startswith("-"):
        raise _invalid(problem=f"packages: {name!r} is not a package name")
    return name


def _file(entry: Any) -> tuple[str, str, int, str]:
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        raise _invalid(problem="write_files: every entry needs a path")
    path = entry["path"]
    for key in entry:
        if key not in FILE_KEYS:
            raise _invalid(problem=f"write_files {path}: key {key!r} is not supported here")
    if not path.startswith("/") or ".." in path.split("/") or path.endswith("/") or "\0" in path:
        raise _invalid(problem=f"write_files: {path!r} must be an absolute path of a file, without '..'")
    owner = entry.get("owner", "root:root")
    if not isinstance(owner, str):
        raise _invalid(problem=f"write_files {path}: owner must be user:group")
    return path, _content(entry), _mode(path, entry.get("permissions", DEFAULT_MODE)), owner


def _content(entry: Mapping[str, Any]) -> str:
    path, content = entry["path"], entry.get("content", "")
    encoding = entry.get("encoding", "text/plain")
    if not isinstance(content, str):
        raise _invalid(problem=f"write_files {path}: content must be a text")
    if encoding == "text/plain":
        return content
    if encoding not in {"b64", "base64"}:
        raise _invalid(problem=f"write_files {path}: encoding {encoding!r} is not supported here")
    try:
        return base64.b64decode("".join(content.split()), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise _invalid(problem=f"write_files {path}: content is not base64 of a UTF-8 text") from error


def _mode(path: str, permissions: Any) -> int:
    """Octal text as in "0644", or the number YAML made of a bare 0644."""
    try:
        mode = int(permissions, 8) if isinstance(permissions, str) else int(permissions)
    except (TypeError, ValueError) as error:
        raise _invalid(problem=f"write_files {path}: permissions {permissions!r} are not octal") from error
    if not 0 <= mode <= MAX_MODE:
        raise _invalid(problem=f"write_files {path}: permissions {permissions!r} are out of range")
    return mode

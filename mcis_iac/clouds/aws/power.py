"""Stopping, starting and rebooting instances: a region's machines in a few calls, told one by one.

EC2 refuses a whole call for one bad id and then changes nothing; what it names is left out, and where
it names nobody the call is halved until it is clear whom it means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mcis_iac.clouds.aws.credentials import Access, error_code, translated
from mcis_iac.clouds.common.power import Busy, failures, patiently
from mcis_iac.clouds.common.together import together
from mcis_iac.errors import CredentialsError, McisError, OperationError
from mcis_iac.model import Connection, Failure, Vm

CHUNK = 100
# A spot request follows its machine with a delay, and cannot be started before.
PASSING = frozenset({"IncorrectSpotRequestState"})
# Errors that are nobody's alone: halving the call would only repeat them.
EVERYBODYS = frozenset(
    {
        "RequestLimitExceeded", "Throttling", "InternalError", "InternalFailure", "Unavailable",
        "ServiceUnavailable",
    }
)  # fmt: skip
# Most refusals name whom they mean: "The instance IDs 'i-1, i-2' do not exist".
ID = re.compile(r"\bi-[0-9a-f]+\b")
CALLS: Mapping[str, Callable[[Any], Callable[..., object]]] = MappingProxyType(
    {
        "suspend": lambda ec2: ec2.stop_instances,
        "resume": lambda ec2: ec2.start_instances,
        "reboot": lambda ec2: ec2.reboot_instances,
    }
)
Errors = dict[str, McisError]


def act(connection: Connection, vms: Sequence[Vm], stage: str) -> Mapping[str, Failure]:
    """Suspend, resume or reboot them, all regions at once."""
    if not vms:
        return {}
    access = Access(connection)
    with translated(connection):
        # Sessions are for one thread, clients for many.
        clients = {region: access.client("ec2", region) for region in sorted({vm.region for vm in vms})}
    chunks = [(clients[region], ids) for region in clients for ids in _chunks(vms, region)]

    def told(chunk: tuple[Any, Sequence[str]]) -> Errors:
        ec2, ids = chunk
        return _sent(connection, CALLS[stage](ec2), ids)

    refused = {id: error for errors in together(chunks, told) for id, error in errors.items()}
    return failures({vm.name: refused[vm.id] for vm in vms if vm.id in refused}, stage=stage, of=len(vms))


def console(connection: Connection, vm: Vm) -> str:
    """The newest 64 KiB where the machine's kind can tell them now, else what EC2 kept of the last boot."""
    with translated(connection):
        ec2 = Access(connection).client("ec2", vm.region)
        try:
            answer = ec2.get_console_output(InstanceId=vm.id, Latest=True)
        except ec2.exceptions.ClientError as error:
            if error_code(error) != "UnsupportedOperation":
                raise
            answer = ec2.get_console_output(InstanceId=vm.id)
    return str(answer.get("Output") or "")


def _chunks(vms: Sequence[Vm], region: str) -> Iterator[Sequence[str]]:
    ids = list(dict.fromkeys(vm.id for vm in vms if vm.region == region))
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _sent(connection: Connection, call: Callable[..., object], ids: Sequence[str]) -> Errors:
    """Why not, by id; the others are done."""
    try:
        patiently(lambda: _once(connection, call, ids))
    except CredentialsError as error:
        return dict.fromkeys(ids, error)
    except OperationError as error:
        return _parted(connection, call, ids, error)
    return {}


def _once(connection: Connection, call: Callable[..., object], ids: Sequence[str]) -> None:
    with translated(connection):
        try:
            call(InstanceIds=list(ids))
        except Exception as error:
            if error_code(error) not in PASSING:
                raise
            raise Busy(summary="AWS is not ready", detail=f"{connection.name}: {error}") from error


def _parted(
    connection: Connection, call: Callable[..., object], ids: Sequence[str], error: OperationError
) -> Errors:
    """The call again without those it was refused for."""
    code = error_code(error.__cause__) if isinstance(error.__cause__, Exception) else ""
    if len(ids) == 1 or not code or code in EVERYBODYS:
        return dict.fromkeys(ids, error)
    named = set(ID.findall(error.detail)) & set(ids)
    if named:
        others = [id for id in ids if id not in named]
        return dict.fromkeys(named, error) | (_sent(connection, call, others) if others else {})
    half = len(ids) // 2
    return _sent(connection, call, ids[:half]) | _sent(connection, call, ids[half:])

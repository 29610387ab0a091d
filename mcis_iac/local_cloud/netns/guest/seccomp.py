"""What a network namespace does not hold back: sockets between virtual machines and their hypervisor.

AF_VSOCK has no namespaces: a guest could talk to the host's, or the host's host's, services. io_uring
can make sockets past any filter, so it is refused as well (programs fall back to plain calls). Every
other call passes. Only light imports (see kernel.py).
"""

from __future__ import annotations

import ctypes
import os
import struct

_AF_VSOCK = 40
_SECCOMP_MODE_FILTER = 2
_PR_SET_SECCOMP = 22
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | 97  # EAFNOSUPPORT
_NO_SUCH_CALL = 0x00050000 | 38  # ENOSYS

# Offsets in struct seccomp_data; arguments are 64 bit, the low half comes first on both processors.
_NUMBER, _PROCESSOR, _ARGUMENT = 0, 4, 16
_LOAD, _EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06

_IO_URING_SETUP = 425
_X32_BIT_OFF = 0x3FFFFFFF  # x86-64's third calling convention marks its numbers with a high bit
_NATIVE = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
# 32-bit programs on the same processor: socket, and the old socketcall, whose first argument 1 is `socket`.
_NARROW = {"x86_64": (0x40000003, 359, 102), "aarch64": (0x40000028, 281, None)}

Step = tuple[int, int, int, int]  # code, jump if true, jump if false, value


def _refuse_socket(number: int) -> list[Step]:
    """Expects the call's number loaded; refuses vsock and io_uring, and goes on after its last step."""
    return [
        (_EQUAL, 0, 3, number),
        (_LOAD, 0, 0, _ARGUMENT),
        (_EQUAL, 0, 3, _AF_VSOCK),
        (_RETURN, 0, 0, _REFUSE),
        (_EQUAL, 0, 1, _IO_URING_SETUP),
        (_RETURN, 0, 0, _NO_SUCH_CALL),
    ]


def program(machine: str) -> bytes:
    """The filter for a processor as the kernel takes it; b"" for one we do not know."""
    if machine not in _NATIVE:
        return b""
    processor, socket = _NATIVE[machine]
    narrow, narrow_socket, socketcall = _NARROW[machine]
    native = [(_LOAD, 0, 0, _NUMBER), (_AND, 0, 0, _X32_BIT_OFF), *_refuse_socket(socket)]
    native.append((_RETURN, 0, 0, _ALLOW))
    other = [(_LOAD, 0, 0, _NUMBER), *_refuse_socket(narrow_socket)]
    if socketcall is not None:
        other += [(_EQUAL, 0, 3, socketcall), (_LOAD, 0, 0, _ARGUMENT), (_EQUAL, 0, 1, 1)]
        other.append((_RETURN, 0, 0, _REFUSE))
    other.append((_RETURN, 0, 0, _ALLOW))
    steps: list[Step] = [(_LOAD, 0, 0, _PROCESSOR), (_EQUAL, 0, len(native), processor), *native]
    steps += [(_EQUAL, 1, 0, narrow), (_RETURN, 0, 0, _ALLOW), *other]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def refuse_vsock() -> None:
    """For this process and all it starts. Needs CAP_SYS_ADMIN in the user namespace."""
    text = program(os.uname().machine)
    if not text:
        return
    steps = ctypes.create_string_buffer(text, len(text))
    header = struct.pack("@HP", len(text) // 8, ctypes.addressof(steps))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp filter: {os.strerror(code)}")

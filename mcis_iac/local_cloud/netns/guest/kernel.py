"""System calls that Python does not offer, by ctypes, on x86-64 and aarch64.

Loaded by the spawner and therefore by the first process of every machine: only light imports.
Every function raises OSError with the call's name, so that a failed start says what was refused.
"""

from __future__ import annotations

import ctypes
import os
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_OPEN_TREE = 428
_MOVE_MOUNT = 429
_MOUNT_SETATTR = 442
_OPEN_TREE_CLONE = 1
_O_CLOEXEC = 0o2000000
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOVE_MOUNT_T_SYMLINKS = 0x10
_MOUNT_ATTR_IDMAP = 0x00100000
_MNT_DETACH = 2
# The calls above are numbered alike everywhere; pivot_root is older than that agreement.
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), f"unshare 0x{flags:x}")


def setns(fd: int, kind: int) -> None:
    _check(_libc.setns(fd, kind), f"setns 0x{kind:x}")


def set_host_name(name: str) -> None:
    raw = name.encode()
    _check(_libc.sethostname(raw, len(raw)), "sethostname")


def mount(source: str | None, target: str, kind: str | None, flags: int = 0, options: str = "") -> None:
    result = _libc.mount(
        _bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(options or None)
    )
    _check(result, f"mount {kind or source} on {target}")


def unmount(target: str) -> None:
    _check(_libc.umount2(_bytes(target), _MNT_DETACH), f"umount {target}")


def pivot_root(new: str) -> None:
    """Make `new` (a mount point) the root and let go of the old one."""
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(38, f"pivot_root: unknown processor {os.uname().machine}")
    os.chdir(new)
    _check(_libc.syscall(number, b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _MNT_DETACH), "umount of the old root")
    os.chdir("/")


def idmapped_tree(path: str, user_namespace: int) -> int:
    """A detached copy of one mount, from `path` down, whose owners are those of the user namespace.

    Not recursive: what is mounted below `path` is not in it. Needs Linux 5.12, under overlay 5.19.
    """
    flags = _OPEN_TREE_CLONE | _O_CLOEXEC
    tree = _check(_libc.syscall(_OPEN_TREE, _AT_FDCWD, _bytes(path), flags), f"open_tree {path}")
    attributes = struct.pack("QQQQ", _MOUNT_ATTR_IDMAP, 0, 0, user_namespace)
    result = _libc.syscall(_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, attributes, len(attributes))
    _check(result, f"idmapped mount of {path}")
    return tree


def attach_tree(tree: int, target: str) -> None:
    """Mount what `idmapped_tree` gave at `target`; a link there is followed, as `mount` does."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_SYMLINKS
    result = _libc.syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, _bytes(target), flags)
    _check(result, f"move_mount to {target}")


def user_namespace(base: int, size: int) -> int:
    """A new user namespace mapping ids 0..size-1 to base..base+size-1; its file descriptor.

    The map must be written from outside, hence a child that waits for it.
    """
    ready_read, ready_write = os.pipe()
    done_read, done_write = os.pipe()
    child = os.fork()
    if child == 0:
        _hold_user_namespace(ready_write, done_read, done_write)
    os.close(ready_write)
    os.close(done_read)
    try:
        problem = os.read(ready_read, 200)
        if problem != b".":
            raise OSError(1, problem.decode() or "the user namespace's process died")
        for kind in ("uid_map", "gid_map"):
            _write(f"/proc/{child}/{kind}", f"0 {base} {size}")
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready_read)
        os.close(done_write)
        os.waitpid(child, 0)


def _hold_user_namespace(ready: int, done: int, done_write: int) -> None:
    os.close(done_write)  # otherwise the read below would never see its end
    try:
        unshare(CLONE_NEWUSER)
        os.write(ready, b".")
        os.read(done, 1)
    except OSError as exc:
        os.write(ready, str(exc.strerror).encode()[:200])
    os._exit(0)


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)

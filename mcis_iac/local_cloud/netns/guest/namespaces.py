# ruff: noqa: PTH101, PTH102, PTH103, PTH211 - pathlib is not among the light imports
"""One machine from the inside: namespaces, root file system, and the first process until sshd.

Two forks: the first child enters the user namespace and makes the others, its child is the machine's
pid 1. Pid 1 builds the root, then waits for one byte on `go`; end of file there means that whoever
wanted the machine is gone, and it ends. Only light imports, all at the top: after the change of root
an import would load the image's code.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from mcis_iac.local_cloud.netns.guest import firstboot, kernel, network, seccomp

STARTING = b"starting sshd\n"  # on the console, at every start
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NODES = ("null", "zero", "full", "random", "urandom", "tty")
_ALL = (
    kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWNET | kernel.CLONE_NEWPID
)

Order = Mapping[str, Any]
Report = Callable[[Mapping[str, Any]], None]


def start(order: Order, user_namespace: int, go: int, report: Report) -> None:
    """In a fresh child: make the machine's pid 1, report its pid and leave. Never returns."""
    try:
        trees = _prepare_outside(order, user_namespace)
        kernel.setns(user_namespace, kernel.CLONE_NEWUSER)
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        kernel.unshare(_ALL)
        pid = os.fork()
        if pid == 0:
            _pid_one(order, trees, go, report)
        report({"id": order["id"], "pid": pid})
    except BaseException as exc:
        report({"id": order["id"], "error": _reason(exc)})
    os._exit(0)


def _reason(exc: BaseException) -> str:
    return str(exc.strerror or exc) if isinstance(exc, OSError) else f"{type(exc).__name__}: {exc}"


class _Trees:
    """What must be opened while still root of the host: no path to it exists inside."""

    def __init__(
        self, lower: int, data: int, console: int, plan: str, volumes: list[tuple[int, str]]
    ) -> None:
        self.lower = lower
        self.data = data
        self.console = console
        self.plan = plan
        self.volumes = volumes


def _prepare_outside(order: Order, user_namespace: int) -> _Trees:
    for procs in order["cgroups"]:
        _write_file(procs, str(os.getpid()))
    directory = order["directory"]
    os.chdir(directory)
    console = os.open("console.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    plan = firstboot.load("boot.json") if order["first"] else ""
    return _Trees(
        kernel.idmapped_tree(order["lower"], user_namespace),
        kernel.idmapped_tree(directory, user_namespace),
        console,
        plan,
        [(kernel.idmapped_tree(source, user_namespace), target) for source, target in order["volumes"]],
    )


def _pid_one(order: Order, trees: _Trees, go: int, report: Report) -> None:
    try:
        os.setsid()
        os.umask(0)
        kernel.set_host_name(order["hostname"])
        _build_root(order, trees)
        kernel.pivot_root("root/new")
        os.umask(0o022)
        _after_pivot(trees)
        seccomp.refuse_vsock()
        report({"id": order["id"], "ready": True})
        if os.read(go, 1) != b"x":
            os._exit(1)
        network.configure(order["private"], order["public"])
        _become_sshd(order, trees)
    except BaseException as exc:
        report({"id": order["id"], "error": _reason(exc)})
    os._exit(111)


def _build_root(order: Order, trees: _Trees) -> None:
    """The overlay and what is mounted over it, below `root/new`; relative to the machine's folder.

    Lower and upper come through mounts of our own, so neither a common mount with `/` nor a
    readable path to the folder is needed. The overlay's source names the folder: that is how a
    machine without a record is recognised later.
    """
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", "root", "tmpfs", kernel.MS_NODEV, "mode=755,size=64k")
    for name in ("lower", "data", "new"):
        os.mkdir(f"root/{name}", 0o755)
    kernel.attach_tree(trees.lower, "root/lower")
    kernel.attach_tree(trees.data, "root/data")
    layers = "lowerdir=root/lower,upperdir=root/data/upper,workdir=root/data/work,userxattr"
    kernel.mount(order["directory"], "root/new", "overlay", 0, layers)
    strict = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("proc", "root/new/proc", "proc", strict | kernel.MS_NOEXEC)
    kernel.mount("sysfs", "root/new/sys", "sysfs", strict | kernel.MS_NOEXEC | kernel.MS_RDONLY)
    kernel.mount("tmpfs", "root/new/run", "tmpfs", strict, "mode=755,size=16m")
    kernel.mount("tmpfs", "root/new/tmp", "tmpfs", strict, "mode=1777,size=256m")
    _build_dev("root/new/dev", order["tun"])


def _build_dev(dev: str, tun: str) -> None:
    """Device nodes are bound from the host: inside a user namespace none can be made."""
    kernel.mount("tmpfs", dev, "tmpfs", kernel.MS_NOSUID, "mode=755,size=64k")
    for name in _NODES:
        _bind_node(f"/dev/{name}", f"{dev}/{name}")
    os.mkdir(f"{dev}/net", 0o755)
    if tun:
        _bind_node(tun, f"{dev}/net/tun")
    os.mkdir(f"{dev}/pts", 0o755)
    quiet = kernel.MS_NOSUID | kernel.MS_NOEXEC
    kernel.mount("devpts", f"{dev}/pts", "devpts", quiet, "newinstance,ptmxmode=0666,mode=620,gid=5")
    os.mkdir(f"{dev}/shm", 0o1777)
    kernel.mount("tmpfs", f"{dev}/shm", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=1777,size=64m")
    os.symlink("pts/ptmx", f"{dev}/ptmx")
    os.symlink("/proc/self/fd", f"{dev}/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{dev}/{name}")


def _bind_node(source: str, target: str) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o666))
    kernel.mount(source, target, None, kernel.MS_BIND)


def _after_pivot(trees: _Trees) -> None:
    # Links of the image lead nowhere but into the image from here on.
    for path, mode in (("/run/sshd", 0o755), ("/run/lock", 0o1777), ("/run/user", 0o755)):
        os.mkdir(path)
        os.chmod(path, mode)
    for tree, target in trees.volumes:
        os.makedirs(target, exist_ok=True)
        kernel.attach_tree(tree, target)


def _become_sshd(order: Order, trees: _Trees) -> None:
    environment = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "MCIS_ADDRESS": order["private"]}
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    os.dup2(trees.console, 1)
    os.dup2(trees.console, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir("/")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that would be inherited
    firstboot.run(trees.plan, environment, first=order["first"])
    os.write(1, STARTING)
    os.execve(order["exec"][0], order["exec"], environment)


def _write_file(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)

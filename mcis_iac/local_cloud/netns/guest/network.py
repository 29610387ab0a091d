"""The guest's side of its network, over a raw netlink socket.

Done by the machine's first process itself, before sshd: no program of the image is needed, nothing
is started, and machines configure themselves side by side. Only light imports (see kernel.py).
"""

from __future__ import annotations

import _socket
import os
import struct

GATEWAY = "169.254.1.1"  # nobody owns it: a fixed neighbour entry leads to the router's end
GATEWAY_MAC = "02:00:0a:00:00:01"

_NETLINK = 16
_REQUEST_ACK = 1 | 4
_CREATE = 0x400 | 0x100  # create or replace
_NEW_LINK, _NEW_ADDRESS, _NEW_ROUTE, _NEW_NEIGHBOUR = 16, 20, 24, 28
_ERROR = 2
_UP = 1
_ONLINK = 4
_PERMANENT = 0x80
_INET = 2
_MAIN, _BOOT_PROTOCOL, _UNIVERSE, _UNICAST = 254, 3, 0, 1


def configure(private: str, public: str | None) -> None:
    """Bring up `lo` and `eth0`, set the addresses and the way out. Raises OSError naming the step."""
    _quiet_ipv6()
    _talk("link lo", _link(_index("lo")))
    eth0 = _index("eth0")
    _talk("link eth0", _link(eth0))
    for address in (private, public):
        if address:
            _talk(f"address {address}", _address(eth0, address))
    _talk("neighbour", _neighbour(eth0))
    _talk("default route", _default_route(eth0, private))


def _index(name: str) -> int:
    try:
        return _socket.if_nametoindex(name)
    except OSError as exc:
        raise OSError(exc.errno, f"network: no {name}") from exc


def _quiet_ipv6() -> None:
    # Not routed; without this every machine sends router solicitations for nothing.
    try:
        handle = os.open("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", os.O_WRONLY)
    except OSError:
        return
    os.write(handle, b"1")
    os.close(handle)


def _talk(what: str, message: bytes) -> None:
    netlink = _socket.socket(_NETLINK, 3, 0)
    try:
        netlink.send(message)
        answer = netlink.recv(4096)
    finally:
        netlink.close()
    kind = struct.unpack_from("=H", answer, 4)[0]
    code = -struct.unpack_from("=i", answer, 16)[0] if kind == _ERROR else 0
    if code:
        raise OSError(code, f"network: {what}: {os.strerror(code)}")


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, _REQUEST_ACK | flags, 1, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    padding = -len(value) % 4
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * padding


def _packed(address: str) -> bytes:
    return bytes(int(part) for part in address.split("."))


def _link(index: int) -> bytes:
    return _message(_NEW_LINK, 0, struct.pack("=BxHiII", 0, 0, index, _UP, _UP))


def _address(index: int, address: str) -> bytes:
    head = struct.pack("=BBBBi", _INET, 32, 0, _UNIVERSE, index)
    packed = _packed(address)
    return _message(_NEW_ADDRESS, _CREATE, head + _attribute(2, packed) + _attribute(1, packed))


def _neighbour(index: int) -> bytes:
    head = struct.pack("=BBHiHBB", _INET, 0, 0, index, _PERMANENT, 0, 0)
    mac = bytes(int(part, 16) for part in GATEWAY_MAC.split(":"))
    return _message(_NEW_NEIGHBOUR, _CREATE, head + _attribute(1, _packed(GATEWAY)) + _attribute(2, mac))


def _default_route(index: int, source: str) -> bytes:
    head = struct.pack("=BBBBBBBBI", _INET, 0, 0, 0, _MAIN, _BOOT_PROTOCOL, _UNIVERSE, _UNICAST, _ONLINK)
    attributes = (
        _attribute(5, _packed(GATEWAY))
        + _attribute(4, struct.pack("=i", index))
        + _attribute(7, _packed(source))
    )
    return _message(_NEW_ROUTE, _CREATE, head + attributes)

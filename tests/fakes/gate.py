"""Stands before a server that knows no throttling and no trouble, and has some for it.

Requests are told apart by EC2's `Action`: what is refused is matched against `POST StopInstances i-1 i-2`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

from fakes.refusing import Refusals

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
HOP_BY_HOP = {"connection", "content-length", "host", "transfer-encoding", "server", "date"}


def error(code: str, message: str) -> str:
    """An error as EC2 says it."""
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    return f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>r</RequestID></Response>"


def nothing() -> str:
    """The description of no instance at all."""
    inner = "<requestId>r</requestId><reservationSet/>"
    return f'<DescribeInstancesResponse xmlns="{NAMESPACE}">{inner}</DescribeInstancesResponse>'


def an_instance(id: str, state: str, reason: str = "") -> str:
    """The description of one instance in a state, with the code of the reason for it."""
    why = f"<stateReason><code>{reason}</code><message>because</message></stateReason>" if reason else ""
    one = (
        f"<instanceId>{id}</instanceId><instanceState><code>0</code><name>{state}</name></instanceState>{why}"
    )
    item = f"<item><reservationId>r-1</reservationId><instancesSet><item>{one}</item></instancesSet></item>"
    return nothing().replace("<reservationSet/>", f"<reservationSet>{item}</reservationSet>")


class Gate:
    """At `url`; lets through what it is not told to refuse. `calls` are the actions it was asked for."""

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.url = ""
        self.refusals = Refusals()
        self.calls: list[str] = []


def _handler(gate: Gate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            words = parse_qs(body.decode())
            ids = [value[0] for name, value in sorted(words.items()) if name.startswith("InstanceId")]
            asked = " ".join([*words.get("Action", ["?"]), *ids])
            gate.calls.append(asked)
            refusal = gate.refusals.strike("POST", asked)
            if refusal is None:
                self._say(*self._through(body))
            else:
                self._say(
                    refusal.status, {"Content-Type": "text/xml", **refusal.headers}, refusal.body.encode()
                )

        def _through(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            try:
                with urlopen(Request(f"{gate.behind}{self.path}", body, kept), timeout=30) as answer:
                    return answer.status, dict(answer.headers), answer.read()
            except HTTPError as refused:
                with refused:
                    return refused.code, dict(refused.headers), refused.read()

        def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def before(behind: str) -> Iterator[Gate]:
    """A gate that stands until the block ends."""
    gate = Gate(behind)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(gate))
    server.daemon_threads = True
    gate.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

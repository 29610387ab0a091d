"""A small Google Cloud over HTTP: Compute and Resource Manager, as their references describe them.

It keeps what it is told, answers in pages and per zone, lets operations take a while, refuses to delete
what is in use, and can be told that a zone is down or that a token is no good.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fakes.refusing import Refusals

TOKEN = "a-good-token"
# kind -> (whose field names another thing it uses)
USES = {
    "instances": ("disks", "subnetwork"),
    "subnetworks": ("network",),
    "firewalls": ("network",),
    "routers": ("network",),
}
REGIONAL = ("subnetworks", "routers", "addresses")
GLOBAL = ("networks", "firewalls", "images")
# verb -> (the states it is for, the state on the way, the state at the end)
POWER = {
    "stop": ({"RUNNING", "SUSPENDED"}, "STOPPING", "TERMINATED"),
    "start": ({"TERMINATED"}, "STAGING", "RUNNING"),
    "resume": ({"SUSPENDED"}, "STAGING", "RUNNING"),
    "reset": ({"RUNNING"}, "RUNNING", "RUNNING"),
}


class FakeGoogle:
    """What there is in Google Cloud; `calls` are the requests it got, method and path."""

    def __init__(self) -> None:
        self.base = ""
        self.projects: dict[str, dict[str, Any]] = {}
        self.regions: dict[str, dict[str, Any]] = {}
        self.things: dict[str, dict[str, Any]] = {}
        self.families: dict[str, str] = {}
        self.allowed: set[str] = set()
        self.down: set[str] = set()
        self.denied: dict[str, Any] | None = None
        self.hiccups: list[int] = []
        self.calls: list[str] = []
        self.deleted: list[str] = []
        self.refusals = Refusals()
        self.late: set[str] = set()  # what no list shows yet
        self.consoles: dict[str, str] = {}
        self.no_room: set[str] = set()  # what cannot be started
        self._moving: dict[str, str] = {}
        self._operations: dict[str, dict[str, Any]] = {}

    # ------------------------------------------------------ what tests say

    def has_project(self, name: str, **quotas: tuple[float, float]) -> None:
        self.projects[name] = {"name": name, "kind": "compute#project", "quotas": _quotas(quotas)}

    def has_region(self, project: str, region: str, **quotas: tuple[float, float]) -> None:
        row = {"name": region, "status": "UP", "quotas": _quotas(quotas)}
        self.regions[f"projects/{project}/regions/{region}"] = row

    def has(self, path: str, **fields: Any) -> str:
        """A thing by its path; fields are the API's own."""
        link = f"{self.base}/compute/v1/{path}"
        self.things[path] = {"name": path.rpartition("/")[2], "selfLink": link, **fields}
        return path

    def has_image(self, project: str, family: str, name: str, architecture: str = "X86_64") -> str:
        path = self.has(f"projects/{project}/global/images/{name}", architecture=architecture, family=family)
        self.families[f"projects/{project}/global/images/family/{family}"] = path
        return path

    # ------------------------------------------------------ what the API does

    def answer(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, Mapping[str, Any]]:
        if self.hiccups:
            return self.hiccups.pop(0), _error(503, "The service is currently unavailable.", "backendError")
        if self.denied is not None:
            return int(self.denied["error"]["code"]), self.denied
        if path.startswith("v1/") and path.endswith(":testIamPermissions"):
            return 200, {"permissions": sorted(self.allowed & set(body["permissions"]))}
        path = path.removeprefix("compute/v1/")
        if method == "POST":
            thing, _, verb = path.rpartition("/")
            return self._wait(thing) if verb == "wait" else self._power(thing, verb)
        return self._delete(path) if method == "DELETE" else self._look(path, query)

    def _look(self, path: str, query: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        if path.endswith("/serialPort"):
            return self._console(path.removesuffix("/serialPort"))
        if path in self._operations:
            return 200, self._shown(self._operations[path])
        return self._get(path, query)

    def _get(self, path: str, query: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        found = re.fullmatch(r"projects/([^/]+)/(aggregated|global)/([^/]+)", path)
        if found and found[1] not in self.projects:
            return _missing(f"projects/{found[1]}")
        if found and found[2] == "aggregated":
            return 200, self._aggregated(found[1], found[3], query)
        if found:
            items = [t for p, t in self.things.items() if p.startswith(f"{path}/")]
            return 200, {"kind": f"compute#{found[3]}List", **({"items": items} if items else {})}
        path = self.families.get(path, path)
        if path.count("/") == 1 and path.startswith("projects/"):
            row = self.projects.get(path.removeprefix("projects/"))
        else:
            row = self.regions.get(path) or self.things.get(path)
        return (200, row) if row else _missing(path)

    def _aggregated(self, project: str, kind: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        """Two things per page, each below its zone or region; those without any say so."""
        wanted = re.fullmatch(r"labels\.([a-z0-9_-]+):\*", query.get("filter", ""))
        mine = [
            (path, thing)
            for path, thing in sorted(self.things.items())
            if path.startswith(f"projects/{project}/")
            and path.split("/")[-2] == kind
            and path.split("/")[-3] not in self.down
            and path not in self.late
            and (wanted is None or wanted[1] in thing.get("labels", {}))
        ]
        start = int(query.get("pageToken", "0"))
        items: dict[str, Any] = {"zones/empty-a": {"warning": {"code": "NO_RESULTS_ON_PAGE"}}}
        for path, thing in mine[start : start + 2]:
            scope = "/".join(path.split("/")[2:4])
            items.setdefault(scope, {}).setdefault(kind, []).append(thing)
        more = {"nextPageToken": str(start + 2)} if start + 2 < len(mine) else {}
        items = json.loads(json.dumps(items))
        if not more:
            self._time_passes()
        for zone in self.down:
            items[f"zones/{zone}"] = {"warning": {"code": "UNREACHABLE"}}
        return {"kind": "compute#aggregatedList", "items": items, **more}

    def _console(self, path: str) -> tuple[int, Mapping[str, Any]]:
        return (200, {"contents": self.consoles.get(path, "")}) if path in self.things else _missing(path)

    def _power(self, path: str, verb: str) -> tuple[int, Mapping[str, Any]]:
        """Begins at once, is seen under way in one list, and done in the next; the operation says if not."""
        thing = self.things.get(path)
        if thing is None:
            return _missing(path)
        fit, under_way, done = POWER[verb]
        if path in self._moving:
            self._time_passes()
            return 400, _error(400, f"The resource '{path}' is not ready", "resourceNotReady")
        if thing["status"] not in fit:
            words = f"Instance {path} in state {thing['status']} cannot {verb}"
            return 400, _error(400, words, "invalid")
        operation = self._operation(path)
        if verb == "start" and path in self.no_room:
            message = "The zone does not have enough resources available"
            operation["error"] = {"errors": [{"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": message}]}
        else:
            thing["status"], self._moving[path] = under_way, done
        return 200, {k: v for k, v in operation.items() if k in {"name", "status", "selfLink"}}

    def _shown(self, operation: dict[str, Any]) -> Mapping[str, Any]:
        """The operation of a power action when it is looked at: by then it has ended."""
        operation["status"] = "DONE"
        return {k: v for k, v in operation.items() if k not in {"target", "waits"}}

    def _operation(self, target: str) -> dict[str, Any]:
        name, place = f"operation-{len(self._operations)}", "/".join(target.split("/")[:-2])
        link = f"{self.base}/compute/v1/{place}/operations/{name}"
        operation = {"name": name, "status": "RUNNING", "selfLink": link, "target": target, "waits": 1}
        self._operations[f"{place}/operations/{name}"] = operation
        return operation

    def _time_passes(self) -> None:
        """What was seen under way is done."""
        for path, done in self._moving.items():
            self.things[path]["status"] = done
        self._moving.clear()

    def _delete(self, path: str) -> tuple[int, Mapping[str, Any]]:
        if path not in self.things:
            return _missing(path)
        operation = self._operation(path)
        return 200, {k: v for k, v in operation.items() if k not in {"target", "waits"}}

    def _wait(self, path: str) -> tuple[int, Mapping[str, Any]]:
        operation = self._operations[path]
        shown = {"name": operation["name"], "selfLink": operation["selfLink"]}
        if operation["waits"]:
            operation["waits"] -= 1
            return 200, {**shown, "status": "RUNNING"}
        user = next((user for user in self._users(operation["target"])), None)
        if user:
            code = "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"
            message = f"The resource '{operation['target']}' is already being used by '{user}'"
            return 200, {
                **shown,
                "status": "DONE",
                "error": {"errors": [{"code": code, "message": message}]},
            }
        if self.things.pop(operation["target"], None):
            self.deleted.append(operation["target"])
        return 200, {**shown, "status": "DONE"}

    def _users(self, target: str) -> Iterator[str]:
        for path, thing in self.things.items():
            used = [thing.get(field, ()) for field in USES.get(path.split("/")[-2], ())]
            if any(target in ([one] if isinstance(one, str) else one) for one in used):
                yield path


def _quotas(quotas: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    return [{"metric": metric, "usage": usage, "limit": limit} for metric, (usage, limit) in quotas.items()]


def _error(code: int, message: str, reason: str) -> dict[str, Any]:
    errors = [{"message": message, "domain": "global", "reason": reason}]
    return {"error": {"code": code, "message": message, "errors": errors}}


def said(code: int, message: str, reason: str) -> dict[str, Any]:
    """An error as the API says it."""
    return _error(code, message, reason)


def _missing(path: str) -> tuple[int, Mapping[str, Any]]:
    return 404, _error(404, f"The resource '{path}' was not found", "notFound")


def forbidden(message: str, reason: str) -> dict[str, Any]:
    """What the API says to somebody who may not, or not now."""
    return _error(403, message, reason)


def _handler(fake: FakeGoogle) -> type[BaseHTTPRequestHandler]:
    """What speaks HTTP for the fake."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _serve(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            if url.path == "/token":
                # Whoever signs a request with a key is given a token; it is not looked at which key.
                signed = parse_qs(sent.decode()).get("assertion")
                answer = {"access_token": TOKEN, "expires_in": 3600} if signed else {}
                self._say(200 if signed else 400, answer)
                return
            body = json.loads(sent or "{}")
            short = url.path.lstrip("/").removeprefix("compute/v1/")
            fake.calls.append(f"{self.command} {short}")
            refusal = fake.refusals.strike(self.command, short)
            if refusal is not None:
                self._say(refusal.status, refusal.body, refusal.headers)
                return
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, answer = 401, _error(401, "Request had invalid credentials.", "authError")
            else:
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                status, answer = fake.answer(self.command, url.path.lstrip("/"), query, body)
            self._say(status, answer)

        def _say(
            self, status: int, answer: Mapping[str, Any], headers: Mapping[str, str] | None = None
        ) -> None:
            text = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = _serve

    return Handler


@contextmanager
def google() -> Iterator[FakeGoogle]:
    """A running one on a port of its own."""
    fake = FakeGoogle()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.base = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

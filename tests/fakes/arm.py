"""A small Azure Resource Manager on this machine, with the habits of the real one that matter.

Deleting and long operations answer 202 and are polled; lists come in pages with `nextLink`; the list of
all machines has no states unless `statusOnly=true` asks for them, and refuses `$expand=instanceView`
without a filter; ids come back with the resource group in capitals; a filter names one tag; what is in
use cannot be deleted. Tokens come from a managed identity's endpoint.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from fakes.refusing import Refusals

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
TOKEN = "a-token-of-the-fake"
PAGE = 2
# verb -> (the state on the way, the state at the end)
POWER = {
    "deallocate": ("deallocating", "deallocated"),
    "start": ("starting", "running"),
    "restart": ("running", "running"),
}
_FILTER = re.compile(r"tagName eq '((?:[^']|'')*)' and tagValue eq '((?:[^']|'')*)'\Z")

Json = dict[str, Any]
Answer = tuple[int, Any, dict[str, str]]


class Refusal(Exception):
    """An error answer of the API."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.answer: Answer = (status, {"error": {"code": code, "message": message}}, headers)


class FakeArm:
    """One subscription; set up with verbs, asked over HTTP at `url`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.url = ""
        self.subscriptions: list[Json] = [
            {"subscriptionId": SUBSCRIPTION, "displayName": "Shop", "state": "Enabled"}
        ]
        self.resources: dict[str, Json] = {}
        self.views: dict[str, Json] = {}
        self.late: set[str] = set()
        self.images: dict[tuple[str, str], dict[str, Json]] = {}
        self.usages: dict[tuple[str, str], list[Json]] = {}
        self.sizes: list[Json] = []
        self.states: dict[str, str] = {"Microsoft.Compute": "Registered", "Microsoft.Network": "Registered"}
        self.users: dict[str, list[str]] = {}  # who must be gone before what can be deleted
        self.operations: dict[str, list[str]] = {}
        self.reasons: dict[str, tuple[str, str]] = {}  # why operations failed
        self.requests: list[str] = []
        self.refusals: list[Refusal] = []
        self.token_refused = ""
        self.troubles = Refusals()
        self.consoles: dict[str, str] = {}
        self.no_room: set[str] = set()  # what cannot be started
        self.moving: dict[str, str] = {}

    # ---------------------------------------------------------- setting up

    def has(
        self, type: str, group: str, name: str, tags: Mapping[str, str] | None = None, **more: Any
    ) -> str:
        """A resource; its id."""
        id_ = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
        if type != "Microsoft.Resources/resourceGroups":
            id_ = f"{id_}/providers/{type}/{name}"
        row = {"id": id_, "name": name, "type": type, "location": "koreacentral", "tags": dict(tags or {})}
        with self.lock:
            self.resources[id_.lower()] = {**row, **more}
        return id_

    def runs(self, id_: str, *codes: str, message: str = "") -> None:
        """The state of a machine, as `PowerState/running` and the like."""
        self.views[id_.lower()] = {"statuses": [{"code": code, "message": message} for code in codes]}

    def publishes(self, region: str, urn: str, **properties: Any) -> None:
        """A version of an image in a region."""
        *sku, version = urn.split(":")
        self.images.setdefault((region, ":".join(sku)), {})[version] = properties

    def counts(self, namespace: str, region: str, name: str, used: int, limit: int) -> None:
        """A quota."""
        row = {"name": {"value": name}, "currentValue": used, "limit": limit, "unit": "Count"}
        self.usages.setdefault((namespace, region), []).append(row)

    def sells(self, region: str, size: str, *zones: str, family: str = "f", **restricted: Any) -> None:
        """A size; `location=True` or `zones=[...]` restrict it for the subscription."""
        restrictions: list[Json] = []
        if restricted.get("location"):
            restrictions.append({"type": "Location", "restrictionInfo": {"locations": [region]}})
        if restricted.get("zones"):
            restrictions.append({"type": "Zone", "restrictionInfo": {"zones": restricted["zones"]}})
        places = [{"location": region, "zones": list(zones)}]
        self.sizes.append({
            "resourceType": "virtualMachines", "name": size, "family": family, "locations": [region],
            "locationInfo": places, "restrictions": restrictions,
        })  # fmt: skip

    def refuses_next(self, status: int, code: str, message: str = "no", **headers: str) -> None:
        """The next request is answered with an error."""
        self.refusals.append(Refusal(status, code, message, **headers))

    # ---------------------------------------------------------- answering

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        with self.lock:
            if path == "/msi/token":
                return self._token()
            if path.startswith("/blobs/"):
                # Signed addresses are for those who have them; nobody may send a token there.
                assert "authorization" not in headers and query["sig"] == "secret"
                return 200, self.consoles[path.removeprefix("/blobs").lower()], {}
            self.requests.append(f"{method} {path}")
            if headers.get("authorization") != f"Bearer {TOKEN}":
                raise Refusal(401, "AuthenticationFailed", "Authentication failed.")
            if self.refusals:
                raise self.refusals.pop(0)
            trouble = self.troubles.strike(method, path)
            if trouble is not None:
                return trouble.status, trouble.body, dict(trouble.headers)
            if "api-version" not in query and not path.startswith("/operations/"):
                raise Refusal(
                    400, "MissingApiVersionParameter", "The api-version query parameter is required."
                )
            for pattern, handler in self._routes():
                found = re.fullmatch(pattern, path, re.IGNORECASE)
                if found:
                    return handler(method, query, *found.groups())
            return self._resource(method, path)

    def _token(self) -> Answer:
        if self.token_refused:
            return 400, {"error": "invalid_client", "error_description": self.token_refused}, {}
        token = {"access_token": TOKEN, "expires_on": "4102444800", "resource": "r", "token_type": "Bearer"}
        return 200, token, {}

    def _routes(self) -> Iterator[tuple[str, Callable[..., Answer]]]:
        here = f"/subscriptions/{SUBSCRIPTION}"
        yield "/subscriptions", lambda *_: (200, {"value": self.subscriptions}, {})
        yield r"/subscriptions/([^/]+)", self._subscription
        yield f"{here}/resources", self._tagged
        yield f"{here}/resourcegroups", self._groups
        yield f"({here}/resourcegroups/[^/]+)/resources", self._inside
        yield f"{here}/providers/Microsoft.Compute/virtualMachines", self._machines
        machine = f"({here}/resourcegroups/.+/virtualMachines/[^/]+)"
        yield f"{machine}/instanceView", self._view
        yield f"{machine}/(deallocate|start|restart)", self._power
        yield f"{machine}/retrieveBootDiagnosticsData", self._diagnostics
        part = "([^/]+)"
        skus = f"/locations/{part}/publishers/{part}/artifacttypes/vmimage/offers/{part}/skus/{part}/versions"
        yield f"{here}/providers/Microsoft.Compute{skus}", self._versions
        yield f"{here}/providers/Microsoft.Compute{skus}/([^/]+)", self._version
        yield f"{here}/providers/Microsoft.Compute/skus", self._skus
        yield f"{here}/providers/([^/]+)/locations/([^/]+)/usages", self._usages
        yield f"{here}/providers/([^/]+)", self._provider
        yield r"/operations/(\d+)", self._operation

    def _subscription(self, _method: str, _query: Mapping[str, str], id_: str) -> Answer:
        found = [row for row in self.subscriptions if row["subscriptionId"] == id_]
        if not found:
            raise Refusal(404, "SubscriptionNotFound", f"The subscription '{id_}' could not be found.")
        return 200, found[0], {}

    def _tagged(self, _method: str, query: Mapping[str, str]) -> Answer:
        rows = [row for row in self.resources.values() if "/providers/" in row["id"]]
        return self._page(f"/subscriptions/{SUBSCRIPTION}/resources", self._filtered(rows, query), query)

    def _groups(self, _method: str, query: Mapping[str, str]) -> Answer:
        rows = [row for row in self.resources.values() if "/providers/" not in row["id"]]
        return self._page(f"/subscriptions/{SUBSCRIPTION}/resourcegroups", self._filtered(rows, query), query)

    def _inside(self, _method: str, query: Mapping[str, str], group: str) -> Answer:
        if group.lower() not in self.resources:
            raise Refusal(404, "ResourceGroupNotFound", "Resource group could not be found.")
        rows = [row for id_, row in self.resources.items() if id_.startswith(f"{group.lower()}/")]
        return self._page(f"{group}/resources", rows, query)

    def _filtered(self, rows: list[Json], query: Mapping[str, str]) -> list[Json]:
        if "$filter" not in query:
            return rows
        found = _FILTER.match(query["$filter"])
        if not found:
            raise Refusal(400, "InvalidFilterInQueryString", "Invalid $filter: one tag by name and value.")
        name, value = (part.replace("''", "'") for part in found.groups())
        return [row for row in rows if row["tags"].get(name) == value]

    def _page(self, path: str, rows: list[Json], query: Mapping[str, str]) -> Answer:
        start = int(query.get("$skiptoken", 0))
        body: Json = {"value": rows[start : start + PAGE]}
        if start + PAGE < len(rows):
            kept = {**query, "$skiptoken": str(start + PAGE)}
            params = "&".join(f"{quote(name)}={quote(value)}" for name, value in kept.items())
            body["nextLink"] = f"{self.url}{path}?{params}"
        return 200, body, {}

    def _machines(self, _method: str, query: Mapping[str, str]) -> Answer:
        if query.get("$expand") == "instanceView" and "$filter" not in query:
            raise Refusal(400, "BadRequest", "$expand=instanceView is only supported with a valid $filter.")
        rows = []
        for id_, row in self.resources.items():
            if row["type"] == "Microsoft.Compute/virtualMachines" and id_ not in self.late:
                group = row["id"].split("/")[4]
                shown = {**row, "id": row["id"].replace(group, group.upper()), "properties": {}}
                if query.get("statusOnly") == "true":
                    shown["properties"] = {"instanceView": self.views.get(id_, {})}
                rows.append(shown)
        where = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines"
        answer = self._page(where, json.loads(json.dumps(rows)), query)
        if "nextLink" not in answer[1]:
            self._time_passes()
        return answer

    def _time_passes(self) -> None:
        """What was seen under way is done."""
        for id_, power in self.moving.items():
            self.runs(id_, "ProvisioningState/succeeded", f"PowerState/{power}")
        self.moving.clear()

    def _power(self, _method: str, _query: Mapping[str, str], id_: str, verb: str) -> Answer:
        """Accepted at once, seen under way in one list, and done in the next; the operation says if not."""
        key = id_.lower()
        if key not in self.resources:
            raise Refusal(404, "ResourceNotFound", f"The Resource '{id_}' was not found.")
        under_way, done = POWER[verb]
        if key in self.moving:
            self._time_passes()
            raise Refusal(409, "Conflict", "The request failed due to conflict with a concurrent request.")
        number = str(len(self.operations) + 1)
        self.operations[number] = ["InProgress", "Succeeded"]
        if verb == "start" and key in self.no_room:
            self.operations[number] = ["Failed"]
            self.reasons[number] = (
                "AllocationFailed",
                "Allocation failed: no capacity in the region.",
            )
        else:
            self.runs(id_, "ProvisioningState/updating", f"PowerState/{under_way}")
            self.moving[key] = done
        url = f"{self.url}/operations/{number}"
        return 202, None, {"Azure-AsyncOperation": url, "Location": url, "Retry-After": "0"}

    def _diagnostics(self, _method: str, _query: Mapping[str, str], id_: str) -> Answer:
        if id_.lower() not in self.resources:
            raise Refusal(404, "ResourceNotFound", f"The Resource '{id_}' was not found.")
        if id_.lower() not in self.consoles:
            raise Refusal(409, "OperationNotAllowed", "Boot diagnostics are not enabled.")
        return 200, {"serialConsoleLogBlobUri": f"{self.url}/blobs{id_}?sig=secret"}, {}

    def _view(self, _method: str, _query: Mapping[str, str], id_: str) -> Answer:
        if id_.lower() not in self.resources:
            raise Refusal(404, "ResourceNotFound", "The resource was not found.")
        return 200, self.views.get(id_.lower(), {}), {}

    def _versions(self, _m: str, _q: Mapping[str, str], region: str, *sku: str) -> Answer:
        found = self.images.get((region, ":".join(sku)))
        if found is None:
            raise Refusal(404, "NotFound", "Artifact: VMImage was not found.")
        return 200, [{"name": version, "location": region} for version in found], {}

    def _version(self, _m: str, _q: Mapping[str, str], region: str, *names: str) -> Answer:
        *sku, version = names
        found = self.images.get((region, ":".join(sku)), {}).get(version)
        if found is None:
            raise Refusal(404, "NotFound", "Artifact: VMImage was not found.")
        return 200, {"name": version, "location": region, "properties": found}, {}

    def _usages(self, _m: str, query: Mapping[str, str], namespace: str, region: str) -> Answer:
        path = f"/subscriptions/{SUBSCRIPTION}/providers/{namespace}/locations/{region}/usages"
        return self._page(path, self.usages.get((namespace, region), []), query)

    def _skus(self, _m: str, query: Mapping[str, str]) -> Answer:
        found = re.fullmatch(r"location eq '([a-z0-9]+)'", query["$filter"])
        if not found:
            raise Refusal(400, "InvalidFilter", "Only a location can be filtered by.")
        rows = [row for row in self.sizes if found[1] in row["locations"]]
        return self._page(f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/skus", rows, query)

    def _provider(self, _m: str, _q: Mapping[str, str], namespace: str) -> Answer:
        return (
            200,
            {"namespace": namespace, "registrationState": self.states.get(namespace, "NotRegistered")},
            {},
        )

    def _operation(self, _m: str, _q: Mapping[str, str], number: str) -> Answer:
        states = self.operations[number]
        state = states.pop(0) if len(states) > 1 else states[0]
        code, message = self.reasons.get(number, ("Conflict", "It did not work."))
        error = {"error": {"code": code, "message": message}} if state == "Failed" else {}
        return 200, {"status": state, **error}, {"Retry-After": "0"}

    def _resource(self, method: str, path: str) -> Answer:
        key = path.lower()
        if key not in self.resources:
            raise Refusal(404, "ResourceNotFound", f"The Resource '{path}' was not found.")
        if method == "GET":
            return 200, self.resources[key], {}
        users = [user for user in self.users.get(key, ()) if user in self.resources]
        if users:
            raise Refusal(400, "InUse", f"{path} is in use by {', '.join(users)}.")
        del self.resources[key]
        for below in [id_ for id_ in self.resources if id_.startswith(f"{key}/")]:
            del self.resources[below]
        number = str(len(self.operations) + 1)
        self.operations[number] = ["InProgress", "Succeeded"]
        url = f"{self.url}/operations/{number}"
        return 202, None, {"Azure-AsyncOperation": url, "Location": url, "Retry-After": "0"}


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            answer = self.server.arm.answer(self.command, unquote(parts.path), query, headers)
        except Refusal as refusal:
            answer = refusal.answer
        status, body, more = answer
        content = b"" if body is None else body if isinstance(body, str) else json.dumps(body)
        content = content.encode() if isinstance(content, str) else content
        self.send_response(status)
        for name, value in {
            **more,
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
        }.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _serve

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, arm: FakeArm) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arm = arm


@contextmanager
def serving() -> Iterator[FakeArm]:
    """A fake that listens until the block ends."""
    arm = FakeArm()
    with _Server(arm) as server:
        arm.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield arm
        finally:
            server.shutdown()
            thread.join()


def variables(arm: FakeArm) -> dict[str, str]:
    """What an environment has to say so that everybody asks the fake."""
    return {
        "ARM_RESOURCE_MANAGER_ENDPOINT": arm.url,
        "IDENTITY_ENDPOINT": f"{arm.url}/msi/token",
        "IDENTITY_HEADER": "header",
        "ARM_USE_MSI": "true",
        "ARM_SUBSCRIPTION_ID": SUBSCRIPTION,
    }

"""Reading an operation as it happens: from the engine's events to ours, and to Steps.

A replacement is one step: it starts with the first of its parts and is complete when the new one exists.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mcis_iac.engine.diff import OPS
from mcis_iac.engine.entries import Entries, OnVmCreated
from mcis_iac.engine.events import Event, Listener
from mcis_iac.engine.failures import DIED, clean, failure, generic
from mcis_iac.engine.subjects import PROVIDER, STACK, Subjects, countable, key_of, token_of
from mcis_iac.engine.unfinished import doubtful
from mcis_iac.model import Failure, Op, Step, Subject
from mcis_iac.program.graph import Graph

STUCK_AFTER_S = 3.0
_STAGES = {Op.CREATE: "create", Op.UPDATE: "update", Op.DELETE: "delete", Op.REPLACE: "create"}
_MAKES = frozenset({"create", "create-replacement"})
_REMOVES = frozenset({"delete", "delete-replaced"})
_FINISHES = frozenset({"create-replacement", "import-replacement", "read-replacement"})


@dataclass(slots=True)
class _Running:
    """A step under way."""

    token: str
    op: Op
    since: float
    parts: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)


class Progress:
    """Takes the events of one operation; `steps`, `same`, `outputs`, `gone` and `errors` are its result.

    `on_vm_created(name, entry)` is called with a new VM's entry of the inventory as soon as
    everything that the entry refers to exists, while other VMs may still be on their way.
    """

    def __init__(
        self,
        listen: Listener,
        subjects: Subjects,
        graph: Graph | None = None,
        on_vm_created: OnVmCreated | None = None,
    ) -> None:
        self._listen = listen
        self._subjects = subjects
        self._running: dict[str, _Running] = {}
        self._done: dict[str, Step] = {}
        self._said: dict[str, list[str]] = {}
        self._unmade: dict[str, Any] = {}  # creates that failed and left nothing in the state
        self._entries = Entries(graph, on_vm_created)
        self.same = 0
        self.gone: set[str] = set()
        self.outputs: Mapping[str, Any] = {}
        self.old_outputs: Mapping[str, Any] = {}
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.dump = ""
        self._moved = time.monotonic()
        self._waits_in_vain = False

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every finished step, in the order they finished."""
        return tuple(self._done.values())

    @property
    def died(self) -> bool:
        """Whether a provider process ended in the middle of its work."""
        said = (text for texts in self._said.values() for text in texts)
        return bool(self.dump) or any(DIED.search(text) for text in said)

    @property
    def unsure(self) -> Mapping[str, Any]:
        """URN -> what was to be made, of failed creates that may have made it all the same."""
        return {urn: new for urn, new in self._unmade.items() if doubtful(self._said.get(urn, ()))}

    @property
    def stuck(self) -> bool:
        """Whether the engine waits for what will never come.

        When the deletion before a replacement fails, an engine that continues on errors never
        answers the program about that resource and never ends (pulumi issue 16373, open).
        """
        quiet = time.monotonic() - self._moved > STUCK_AFTER_S
        # Half a replacement is not at work: the machines that went before their network wait for it.
        busy = any(one.parts - one.ended for one in self._running.values())
        return self._waits_in_vain and quiet and not busy

    def handle(self, event: Any) -> None:
        """Take one engine event."""
        self._moved = time.monotonic()
        if event.resource_pre_event is not None:
            self._begin(event.resource_pre_event.metadata)
        elif event.res_outputs_event is not None:
            self._complete(event.res_outputs_event.metadata)
        elif event.res_op_failed_event is not None:
            self._fail(event.res_op_failed_event.metadata)
        elif event.diagnostic_event is not None:
            self._say(event.diagnostic_event)

    def _begin(self, step: Any) -> None:
        if step.type == STACK:
            self.old_outputs = (step.old.outputs or {}) if step.old else {}
        op = OPS.get(step.op.value)
        if op in {None, Op.SAME} or not countable(step.type):
            return
        running = self._running.get(step.urn)
        if running is None and step.urn not in self._done:
            running = self._running[step.urn] = _Running(token=step.type, op=op, since=time.monotonic())
            self._emit("op_start", step.urn, {"op": op.value, "type": step.type})
        if running is not None:
            running.parts.add(step.op.value)

    def _complete(self, step: Any) -> None:
        if step.type == STACK:
            self.outputs = (step.new.outputs or {}) if step.new else {}
            return
        op = OPS.get(step.op.value, Op.SAME)
        if step.op.value in _REMOVES:
            self.gone.add(key_of(step.urn))
        if step.op.value in _FINISHES:
            self.gone.discard(key_of(step.urn))
        if step.new is not None:
            self._entries.learn(key_of(step.urn), step.new)
        if not countable(step.type):
            return
        if op is Op.SAME:
            self.same += step.op.value == "same" and bool(step.new and step.new.id)
        elif op is not Op.REPLACE or step.op.value in _FINISHES:
            self._finish(step, op)
        elif step.urn in self._running:
            self._running[step.urn].ended.add(step.op.value)

    def _finish(self, step: Any, op: Op) -> None:
        running = self._running.pop(step.urn, None)
        state = step.new or step.old
        done = self._step(step.urn, running or _Running(step.type, op, time.monotonic()), id=state.id or None)
        self._done[step.urn] = done
        fields = {
            "op": done.op.value,
            "elapsed_s": round(done.duration_s, 3),
            "type": step.type,
            "id": done.id,
        }
        self._emit("op_complete", step.urn, fields)
        if done.is_vm and done.op in {Op.CREATE, Op.REPLACE}:
            self._entries.expect(done.key)

    def _fail(self, step: Any) -> None:
        op = OPS.get(step.op.value, Op.UPDATE)
        running = self._running.pop(step.urn, None) or _Running(step.type, op, time.monotonic())
        stage = "delete" if step.op.value == "delete-replaced" else _STAGES.get(running.op, "engine")
        self._waits_in_vain |= stage == "delete" and running.op is Op.REPLACE
        reason = self._why(step.urn, stage)
        state = step.new or step.old
        if step.op.value in _MAKES and step.new and not step.new.id:
            self._unmade[step.urn] = step.new
        self._refuse(step.urn, running, reason, id=(state.id or None) if state else None)

    def _refuse(self, urn: str, running: _Running, reason: Failure, id: str | None = None) -> None:
        failed = replace(self._step(urn, running, id=id), ok=False, failure=reason)
        self._done[urn] = failed
        error = {"code": reason.code, "severity": "error", "summary": reason.message, "stage": reason.stage}
        fields = {"op": failed.op.value, "elapsed_s": round(failed.duration_s, 3), "type": failed.token}
        self._emit("op_failed", urn, fields | {"error": error})

    def _step(self, urn: str, running: _Running, id: str | None) -> Step:
        key = key_of(urn)
        return Step(
            key=key,
            token=running.token,
            op=running.op,
            ok=True,
            subject=self._subjects.find(key),
            id=id,
            duration_s=time.monotonic() - running.since,
            is_vm=self._subjects.is_vm(running.token),
        )

    def _say(self, said: Any) -> None:
        if said.severity not in {"error", "warning"}:
            return
        if "exited prematurely" in said.message:
            self.dump = said.message
            return
        text = clean(said.message)
        if said.severity == "warning":
            self.warnings.append(text)
            self._emit("diagnostic", said.urn or None, {"severity": "warning", "summary": text})
        elif said.urn and not said.urn.endswith(f"::{STACK}"):
            self._said.setdefault(said.urn, []).append(said.message)
        elif not generic(said.message):
            self.errors.append(text)

    def spare(self, lost: Mapping[str, str]) -> None:
        """Account for what was not tried: URN -> the URN of what it waits for."""
        for urn, cause in lost.items():
            words = f"not tried: it needs {key_of(cause)}, which failed"
            reason = Failure(code="other", stage="create", message=words, attempted=False)
            self._refuse(urn, _Running(token_of(urn), Op.CREATE, time.monotonic()), reason)

    def end(self, reason: Failure) -> None:
        """Account for what was said or begun but never finished; `reason` is why it was not."""
        for urn, running in tuple(self._running.items()):
            if running.parts == running.ended:  # the replaced one is gone and no new one was begun
                running.op = Op.DELETE
                self._done[urn] = self._step(urn, running, id=None)
                continue
            known = urn in self._said
            self._refuse(urn, running, self._why(urn, _STAGES[running.op]) if known else reason)
        self._running.clear()
        for urn, texts in self._said.items():
            if urn in self._done or all(generic(text) for text in texts):
                continue
            token, why = token_of(urn), self._why(urn, "create")
            if countable(token):
                self._refuse(urn, _Running(token, Op.CREATE, time.monotonic()), why)
            elif token.startswith(PROVIDER) and why.code == "credentials":
                self._refuse(urn, _Running(token, Op.SAME, time.monotonic()), replace(why, stage="engine"))
            else:
                self.errors.append(why.message)

    def _why(self, urn: str, stage: str) -> Failure:
        """The reason for a failure, from all that was said; each cloud has its own words for a refusal."""
        texts = self._said.get(urn, [])
        reason = failure(texts, stage)
        token = token_of(urn)
        refused = any(self._subjects.refuses(token, clean(text)) for text in texts)
        return replace(reason, code="credentials") if refused else reason

    def tell(self, severity: str, summary: str) -> None:
        """Emit a diagnostic of our own."""
        self._emit("diagnostic", None, {"severity": severity, "summary": summary})

    def _emit(self, kind: str, urn: str | None, fields: Mapping[str, Any]) -> None:
        named = {"name": key_of(urn)} if urn else {}
        event = Event(
            kind=kind,
            mcis=self._subjects.mcis,
            env=self._subjects.env,
            subject=self._subjects.find(key_of(urn)) if urn else Subject(),
            urn=urn,
            fields={**named, **fields},
        )
        self._listen(event)

"""Stopping, starting and rebooting a batch of instances: what goes wrong with one spares the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from mcis_iac.local_cloud import faults, machines
from mcis_iac.local_cloud.machines import Errors
from mcis_iac.local_cloud.records import Record
from mcis_iac.local_cloud.site import Site
from mcis_iac.local_cloud.types import LocalCloudError

Act = Callable[[Site, Sequence[str]], Errors]


def act(site: Site, action: str, ids: Sequence[str]) -> Errors:
    """Do "stop", "start" or "reboot" to all that can; why the others were spared, by id.

    Faults that were ordered delay the whole batch by the longest of their delays.
    """
    found = site.load(ids)
    errors = {id: _unknown(id) for id in ids if id not in found}
    if action != "stop":
        errors |= {each.id: _half(each) for each in found.values() if each.phase != "created"}
    able = [id for id in found if id not in errors]
    names = [faults.names(found[id].name, found[id].spec.tags) for id in able]
    struck = dict(zip(able, faults.strike(site.store, action, names), strict=True))
    time.sleep(max((each.delay_s for each in struck.values()), default=0.0))
    errors |= {id: each.error for id, each in struck.items() if each.error is not None}
    left = [id for id in able if id not in errors]
    if left:
        with site.lock():
            # Who was deleted meanwhile is no longer there.
            there = site.load(left)
            errors |= {id: _unknown(id) for id in left if id not in there}
            errors |= ACTS[action](site, list(there))
    return errors


def _stop(site: Site, ids: Sequence[str]) -> Errors:
    machines.stop(site, ids)
    return {}


def _reboot(site: Site, ids: Sequence[str]) -> Errors:
    machines.stop(site, ids)
    return machines.start(site, ids)


ACTS: Mapping[str, Act] = MappingProxyType({"stop": _stop, "start": machines.start, "reboot": _reboot})


def raise_all(errors: Iterable[LocalCloudError]) -> None:
    """The first one's code with everybody's words; nothing when there are none."""
    told = list(errors)
    if told:
        raise LocalCloudError(told[0].code, "; ".join(error.message for error in told))


def _unknown(id: str) -> LocalCloudError:
    return LocalCloudError("not_found", f"there is no instance {id}")


def _half(record: Record) -> LocalCloudError:
    return LocalCloudError("conflict", f"not completely made: {record.name}")

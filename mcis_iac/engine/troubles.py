"""From a failed CLI command to one clear error; nobody is shown raw CLI text."""

from __future__ import annotations

import re
from pathlib import Path

from mcis_iac.engine.failures import clean
from mcis_iac.engine.scrub import scrub
from mcis_iac.errors import CredentialsError, EngineError, McisError

_PASSPHRASE = re.compile(
    r"incorrect passphrase|passphrase must be set|message authentication failed", re.IGNORECASE
)
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_DENIED = re.compile(r"permission denied|read-only file system", re.IGNORECASE)
_CREDENTIALS = re.compile(
    r"access ?denied|invalidaccesskeyid|signaturedoesnotmatch|no ?credential"
    r"|could not find default credentials"
    r"|failed to (refresh|retrieve) (cached )?credentials|PULUMI_ACCESS_TOKEN|not logged in"
    r"|authentication failed"
    r"|\b40[13]\b|expiredtoken|invalid access token",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"connection refused|no such host|i/o timeout|dial tcp|network is unreachable|context deadline exceeded"
    r"|unable to open state directory|nosuchbucket|does not exist|unable to open bucket|no such file",
    re.IGNORECASE,
)
_PLUGIN = re.compile(r"no resource plugin '([^']+)'|(?:could not|failed to) (?:load|read) plugin[^\n]*")
_SECRET_URL = re.compile(r"(\w+://)[^\s/@:]+:[^\s/@]+@")


def explain(text: str, *, backend_url: str, log: Path | None = None) -> McisError:
    """The error for what the CLI said; `log` is where its full output is kept."""
    kept = f"The engine's whole output is in {log}." if log else ""
    words, backend = worst_line(text), hide(backend_url)
    found = _of_the_state(text, backend, words) or _of_this_machine(text, words, kept)
    if found is None and (_CREDENTIALS.search(text) or _DENIED.search(text) or _UNREACHABLE.search(text)):
        found = _of_the_backend(text, backend, words)
    return found or EngineError(
        summary="the engine failed", detail=f"{words} {kept}".strip(), hint="mcis doctor"
    )


def _of_the_state(text: str, backend: str, words: str) -> McisError | None:
    if _PASSPHRASE.search(text):
        return McisError(
            summary="the passphrase does not fit the state",
            detail=f"The secrets in {backend} were locked with another passphrase.",
            hint="set MCIS_PASSPHRASE or MCIS_PASSPHRASE_FILE to the old one, or restore .mcis/passphrase",
        )
    if "failed to load checkpoint" in text:
        return EngineError(
            summary="the state is damaged",
            detail=f"{backend}: {words}",
            hint="`mcis up` and `mcis down` repair it from its backup",
        )
    return None


def _of_this_machine(text: str, words: str, kept: str) -> McisError | None:
    if _FULL.search(text):
        return McisError(
            summary="the disk is full", detail=words, hint="make room, then run the command again"
        )
    if plugin := _PLUGIN.search(text):
        return EngineError(
            summary="a provider plugin is missing or broken",
            detail=f"{clean(plugin[0])}. {kept}".strip(),
            hint="mcis doctor --install",
        )
    return None


def _of_the_backend(text: str, backend: str, words: str) -> McisError:
    if _CREDENTIALS.search(text):
        return CredentialsError(
            summary="the state's backend refused us",
            detail=f"{backend}: {words}",
            hint="check the credentials in the environment that belong to this backend",
        )
    return McisError(
        summary="cannot reach the state's backend",
        detail=f"{backend}: {words}",
        hint="check `backend:` in the manifest or MCIS_BACKEND",
    )


def worst_line(text: str) -> str:
    """The line that says most: the first that begins with `error:`, else the last one."""
    lines = [scrub(clean(line)) for line in text.splitlines() if line.strip()]
    errors = [line.partition("error: ")[2] for line in lines if "error: " in line]
    return next((line for line in errors if line), lines[-1] if lines else "it said nothing")


def hide(text: str) -> str:
    """Text without user:password@ inside URLs."""
    return _SECRET_URL.sub(r"\1", text)

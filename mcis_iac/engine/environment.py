"""What the engine's process may see of our environment, and what we set for it.

Every provider process inherits all of it, so only what is needed goes in: the machine's settings,
what reaches the backend, what names our own folders, and the variables that the caller lists for
the clouds in use.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

MACHINE = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LC_*", "XDG_*",
    "http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "MCIS_LOCAL_*", "MCIS_DATA_DIR",
)  # fmt: skip

BACKENDS = {
    "s3": ("AWS_*",),
    "gs": ("GOOGLE_*", "CLOUDSDK_*"),
    "azblob": ("AZURE_*",),
    "postgres": ("PG*",),
    "postgresql": ("PG*",),
    "https": ("PULUMI_ACCESS_TOKEN",),
    "http": ("PULUMI_ACCESS_TOKEN",),
}

ALWAYS = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_PARALLEL_DIFF": "true",
    "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
    "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING": "true",
    "PULUMI_DISABLE_CI_DETECTION": "true",
    "PULUMI_AUTOMATION_API": "true",
    # The engine writes the whole state at every step and throws the text away: collecting that less
    # often saves some 15 % of its time, for 100 MiB more at 250 VMs.
    "GOGC": "300",
    "GOMEMLIMIT": "1500MiB",  # above it collecting is cheaper than swapping
    "NO_COLOR": "1",
}


def inherited(backend_url: str, variables: Iterable[str] = ()) -> dict[str, str]:
    """The part of our environment that the engine gets; `variables` are names, `*` allowed."""
    scheme = backend_url.partition("://")[0]
    patterns = (*MACHINE, *BACKENDS.get(scheme, ()), *variables)
    return {name: value for name, value in os.environ.items() if _wanted(name, patterns)}


def _wanted(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def settings(*, backend_url: str, passphrase: str, pulumi_home: str) -> Mapping[str, str]:
    """What we set on top: where state lives, how secrets are locked, and nothing is fetched."""
    url, password = apart(backend_url)
    return {
        **ALWAYS,
        **password,
        "PULUMI_BACKEND_URL": url,
        "PULUMI_CONFIG_PASSPHRASE": passphrase,
        "PULUMI_HOME": pulumi_home,
    }


def apart(backend_url: str) -> tuple[str, dict[str, str]]:
    """A backend's URL as the engine knows it, a database's password as a variable beside it.

    The engine notes the URL of every stack it has seen in its home. Of the two names that
    PostgreSQL's URLs have it knows one, and takes the other for a service.
    """
    parts = urlsplit(backend_url)
    if parts.scheme not in ("postgres", "postgresql"):
        return backend_url, {}
    login, _, place = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    netloc = f"{user}@{place}" if user else place
    url = urlunsplit(parts._replace(scheme="postgres", netloc=netloc))
    return url, {"PGPASSWORD": unquote(password)} if password else {}

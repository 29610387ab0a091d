"""mcis-iac: declare, place and control groups of virtual machines that span clouds.

The command line is the product's face; the names here are for programs. Everything is loaded on
first use, because `mcis --help` must not pay for the engine.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["McisError", "__version__"]

_HOMES = {"McisError": "mcis_iac.errors"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)

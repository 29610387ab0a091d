"""Where `templates/` and `schemas/` are: inside the wheel, or beside the package in a checkout."""

from pathlib import Path


def root(kind: str) -> Path:
    """The folder of bundled data of that kind ("schemas", "templates").

    A wheel carries them as `mcis_iac/_bundled/<kind>`; an editable install reads the checkout.
    """
    package = Path(__file__).parent
    packed = package / "_bundled" / kind
    return packed if packed.is_dir() else package.parent / kind

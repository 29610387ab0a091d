"""The catalogue of diagnostics: what each code means and what to do about it.

Codes are stable: a number is never given another meaning. 1xx is syntax and shape, 2xx meaning.
The summary is constant text; the story is what `mcis explain CODE` prints. They are told by area in
`stories`: a new code gets the next free number there.
"""

from __future__ import annotations

from mcis_iac.manifest.stories import clouds
from mcis_iac.manifest.stories.code import Code
from mcis_iac.manifest.stories.meaning import MEANING
from mcis_iac.manifest.stories.places import PLACES
from mcis_iac.manifest.stories.shape import SHAPE

CODES: dict[str, Code] = {
    **SHAPE,
    **MEANING,
    **PLACES,
    **clouds.LOCAL,
    **clouds.AWS,
    **clouds.GCP,
    **clouds.AZURE,
    **clouds.OPENSTACK,
}

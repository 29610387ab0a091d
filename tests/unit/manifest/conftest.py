"""Property tests here keep no database and no deadline: they leave nothing behind and ignore load."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "60"))
settings.register_profile(
    "manifest",
    database=None,
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("manifest")

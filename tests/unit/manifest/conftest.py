"""Property tests here keep no database and no deadline: they leave nothing behind and ignore load."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "manifest", database=None, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("manifest")

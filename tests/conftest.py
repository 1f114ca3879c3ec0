"""What every test shares: on a busy machine a correct property may be slow to show."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "shared", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared")

"""Property tests try the same examples each time: a check of a pull request must not fail by chance, nor on a busy machine.

To hunt for new ones: `pytest --hypothesis-profile=default`.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")

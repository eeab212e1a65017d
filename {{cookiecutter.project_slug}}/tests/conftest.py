"""Property tests try the same examples each time: a check of a pull request must not fail by chance.

To hunt for new ones: `pytest --hypothesis-profile=default`.
"""

from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.load_profile("same")

"""`--hypothesis-profile fuzz`: as many examples as `make fuzz` wants, instead of as many as every run can afford."""

from hypothesis import settings

settings.register_profile("fuzz", max_examples=20_000, deadline=None)

"""What every test may ask for. The fixtures live in `tests/fixtures/`, a module per thing they own; read their heads."""

import os

import pytest
from hypothesis import settings

from dev.environment import past_the_proxy

# What tests talk to is on loopback: no proxy of this machine is asked, by them or by what they start.
os.environ.update(past_the_proxy(os.environ))

# Its assertions say what differs; it is imported by the lab and by others.
pytest.register_assert_rewrite("tests.lab.truth", "tests.lab.money")

# How long an example takes says something about the machine, and nothing about what is tested.
settings.register_profile("patient", parent=settings(), deadline=None)
settings.load_profile("patient")

pytest_plugins = [
    "tests.fixtures.collecting",
    "tests.fixtures.ports",
    "tests.fixtures.waiting",
    "tests.fixtures.postgres",
    "tests.fixtures.pooler",
    "tests.fixtures.sandbox",
    "tests.fixtures.service",
    "tests.fixtures.balancer",
    "tests.fixtures.application",
    "tests.fixtures.identity",
    "tests.fixtures.caller",
    "tests.fixtures.stage",
    "tests.fixtures.shell",
    "tests.fixtures.image",
    "tests.fixtures.mail",
    "tests.fixtures.consumer",
    "tests.fixtures.watching",
    "tests.fixtures.prometheus",
    "tests.fixtures.guide",
]

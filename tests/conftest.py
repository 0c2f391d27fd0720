"""What every test may ask for. The fixtures live in `tests/fixtures/`, a module per thing they own; read their heads."""

pytest_plugins = [
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
]

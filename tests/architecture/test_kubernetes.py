"""The manifests under deploy/kubernetes: valid for Kubernetes, and true of this service."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from app.cli.environment import WithoutStripe
from app.cli.main import cli
from app.main import create_app
from app.scraping import gauges
from app.settings import Settings
from app.shutdown import DRAIN_S
from tests.fixtures import dockerfile

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "deploy" / "kubernetes"
OVERLAYS = sorted(path.name for path in (FOLDER / "overlays").iterdir())
VERSIONS = ("1.30.0", "latest")
STRIPE = {"STRIPE_SECRET_KEY": "sk_live_example", "STRIPE_WEBHOOK_SECRETS": f"whsec_{'x' * 32}"}
"""What the Secret must hold that only pods are told which speak with Stripe."""
SECRETS = {
    "LINK_SIGNING_KEY": "x" * 32,
    "SECRETS_KEY": "y" * 32,
}
"""The least that the Secret must hold."""
DATABASE = {"DATABASE_URL": "postgresql://invoicing_api:secret@postgres.internal/invoicing"}
"""The least that the Secret of a role of the database must hold."""
ROLES = {"api": "api", "console": "api", "worker": "worker", "migrate": "owner"}
COMPONENT = "app.kubernetes.io/component"

ELSEWHERE = {"monitoring.coreos.com/v1"}
"""APIs that are not Kubernetes' own: their schemas are not here."""
SERVING = ("api", "worker")

Manifest = dict[str, Any]

pytestmark = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl renders the manifests, and is not here")


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    command = ["kubectl", "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def resources(*kinds: str) -> list[Manifest]:
    return [it for overlay in OVERLAYS for it in rendered(overlay) if it["kind"] in kinds]


def pods() -> dict[str, Manifest]:
    """The pod specifications by component, each with the labels of its pods beside it."""
    found = {}
    for it in resources("Deployment", "Job"):
        template = it["spec"]["template"]
        found[template["metadata"]["labels"]["app.kubernetes.io/component"]] = template["spec"] | {
            "labels": template["metadata"]["labels"]
        }
    return found


def container(pod: Manifest) -> Manifest:
    (only,) = pod["containers"]
    return dict(only)


def environment(pod: Manifest) -> dict[str, str]:
    """What the container sees, with examples for what is secret."""
    (config,) = resources("ConfigMap")
    configured, secret, *stripe, database = container(pod)["envFrom"]
    assert configured == {"configMapRef": {"name": config["metadata"]["name"]}}
    assert secret == {"secretRef": {"name": "invoicing"}}
    assert database == {"secretRef": {"name": f"invoicing-database-{ROLES[pod['labels'][COMPONENT]]}"}}
    speaks = pod["labels"][COMPONENT] in SERVING
    assert stripe == [{"secretRef": {"name": "invoicing-stripe"}}] * speaks
    own = {variable["name"]: variable["value"] for variable in container(pod).get("env", [])}
    return {**config["data"], **SECRETS, **(STRIPE if speaks else {}), **DATABASE, **own}


def settings(pod: Manifest) -> Settings:
    told = {name.lower(): value for name, value in environment(pod).items()}
    kind = Settings if pod["labels"][COMPONENT] in SERVING else WithoutStripe
    return kind(_env_file=None, **told)  # type: ignore[arg-type]


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    chosen = all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())
    return chosen and all(labels.get(it["key"]) in it["values"] for it in selector.get("matchExpressions", []))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_is_valid_for_kubernetes(overlay: str, version: str) -> None:
    import kubernetes_validate  # noqa: PLC0415 -- it takes a second to import

    schemas = kubernetes_validate.latest_version() if version == "latest" else version
    for manifest in rendered(overlay):
        if manifest["apiVersion"] not in ELSEWHERE:
            kubernetes_validate.validate(manifest, schemas, strict=True)


def test_there_is_everything_a_deployment_needs() -> None:
    kinds = {it["kind"] for it in resources(*{it["kind"] for name in OVERLAYS for it in rendered(name)})}
    assert kinds >= {
        "Deployment", "Job", "Service", "Ingress", "PodDisruptionBudget", "HorizontalPodAutoscaler", "NetworkPolicy",
        "ServiceAccount", "ConfigMap",
    }  # fmt: skip
    assert pods().keys() == {*SERVING, "console", "migrate"}


def test_no_manifest_holds_a_secret() -> None:
    assert not resources("Secret")
    text = "".join(path.read_text() for path in FOLDER.rglob("*.yaml"))
    assert not re.findall(r"sk_(live|test)_|rk_(live|test)_|whsec_|://[^/\s:]+:[^/\s@]+@", text)
    (config,) = resources("ConfigMap")
    secret = {name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)}
    assert not {name.lower() for name in config["data"]} & secret


def test_every_pod_is_told_settings_that_exist_and_are_fit_for_production() -> None:
    for component, pod in pods().items():
        assert not {name for name in environment(pod) if name.lower() not in Settings.model_fields}, component
        assert settings(pod).environment == "production"
        assert settings(pod).livemode


def test_only_what_speaks_with_stripe_is_told_its_key() -> None:
    told = {component for component, pod in pods().items() if "STRIPE_SECRET_KEY" in environment(pod)}
    assert told == set(SERVING)


def test_every_pod_runs_a_command_of_the_cli_from_the_one_image() -> None:
    commands = typer.main.get_command(cli).commands  # type: ignore[attr-defined]
    for pod in pods().values():
        (name,) = container(pod)["args"]
        assert name in commands
        assert "command" not in container(pod)  # the image's entry point
    assert len({container(pod)["image"] for pod in pods().values()}) == 1


def test_every_pod_is_nobody_on_a_read_only_root_without_rights() -> None:
    user, group = (int(part) for part in dockerfile.read(PROJECT / "Dockerfile")[-1].user.split(":"))
    for component, pod in pods().items():
        whole = pod["securityContext"]
        assert whole["runAsNonRoot"], component
        assert (whole["runAsUser"], whole["runAsGroup"], whole["fsGroup"]) == (user, group, group)
        assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
        own = container(pod)["securityContext"]
        assert own == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["automountServiceAccountToken"] is False
        assert not pod["enableServiceLinks"]
        assert all("emptyDir" in volume for volume in pod["volumes"])
    (account,) = resources("ServiceAccount")
    assert account["automountServiceAccountToken"] is False


def test_what_is_written_goes_to_a_volume() -> None:
    for pod in pods().values():
        mounted = [mount["mountPath"] for mount in container(pod)["volumeMounts"]]
        assert "/tmp" in mounted  # noqa: S108 - in the container
        assert any(str(settings(pod).data_dir).startswith(place) for place in mounted)


def test_every_pod_says_what_it_needs() -> None:
    for pod in pods().values():
        needs = container(pod)["resources"]
        assert needs["requests"].keys() == {"cpu", "memory"}
        assert needs["limits"].keys() == {"memory"}


def test_the_ports_are_those_that_the_settings_say() -> None:
    told = settings(pods()["api"])
    ports = {name: {it["name"]: it["containerPort"] for it in container(pods()[name])["ports"]} for name in PORTS}
    assert ports == {name: {port: getattr(told, setting) for port, setting in PORTS[name].items()} for name in PORTS}
    assert str(told.port) == dockerfile.read(PROJECT / "Dockerfile")[-1].port
    (service,) = resources("Service")
    assert [it["targetPort"] for it in service["spec"]["ports"]] == ["http"]


PORTS = {
    "api": {"http": "port", "metrics": "metrics_port"},
    "worker": {"metrics": "worker_metrics_port"},
    "console": {"console": "console_port"},
}


def test_what_is_scraped_is_a_port_of_every_pod_that_counts() -> None:
    for monitor in resources("PodMonitor"):
        chosen = {name for name, pod in pods().items() if selects(monitor["spec"]["selector"], pod["labels"])}
        assert chosen == set(SERVING)
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert all(endpoint["port"] in {it["name"] for it in container(pods()[name])["ports"]} for name in chosen)


def test_workers_are_scaled_by_a_metric_that_there_is() -> None:
    (metric,) = [
        it["external"]["metric"]["name"]
        for scaler in resources("HorizontalPodAutoscaler")
        for it in scaler["spec"]["metrics"]
        if it["type"] == "External"
    ]
    assert f'"{metric.removeprefix("invoicing_")}"' in inspect.getsource(gauges)


def test_what_probes_and_ingress_name_is_served() -> None:
    app = create_app(settings(pods()["api"]))
    served = [getattr(route, "path", "") for route in app.router.routes] + list(app.openapi()["paths"])
    api = container(pods()["api"])
    worker = container(pods()["worker"])
    assert (worker["livenessProbe"]["httpGet"]["path"], worker["livenessProbe"]["httpGet"]["port"]) == (
        "/metrics",
        "metrics",
    )
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = api[probe]["httpGet"]["path"].partition("?")[0]
        assert path in served, probe
    (ingress,) = resources("Ingress")
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            prefix = path["path"]
            assert any(it == prefix or it.startswith(f"{prefix}/") for it in served), prefix
    prefixes = {path["path"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]}
    inside = {f"/{name}" for name in ("healthz", "readyz", "docs", "openapi.json", "redoc", "static-offline-docs")}
    left_out = {it for it in served if not any(it.startswith(prefix) for prefix in (*prefixes, *inside))}
    assert left_out == set()


def test_only_a_process_that_hangs_is_restarted() -> None:
    """What depends on others (readyz) may take a pod out of the Service, and never restarts it."""
    for pod in pods().values():
        for probe in ("startupProbe", "livenessProbe"):
            assert "readyz" not in str(container(pod).get(probe, ""))
    assert "exclude=inbox" in container(pods()["api"])["readinessProbe"]["httpGet"]["path"]


def test_a_pod_that_ends_is_given_the_time_that_it_takes() -> None:
    for name in pods().keys() - {"migrate"}:
        pod = pods()[name]
        pause = container(pod).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod["terminationGracePeriodSeconds"] > pause + DRAIN_S, name
    assert container(pods()["api"])["lifecycle"]["preStop"]["sleep"]["seconds"] >= 3


def serving() -> list[Manifest]:
    """The deployments that callers and Stripe depend on: all but the console."""
    return [it for it in resources("Deployment") if it["metadata"]["labels"]["app.kubernetes.io/component"] in SERVING]


def test_a_roll_out_takes_no_pod_away_before_the_next_is_ready() -> None:
    for deployment in serving():
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert "replicas" not in deployment["spec"]  # the autoscaler's


def test_every_deployment_is_scaled_and_keeps_a_pod_while_nodes_are_drained() -> None:
    deployments = {it["metadata"]["name"]: it for it in serving()}
    scalers = {it["spec"]["scaleTargetRef"]["name"]: it["spec"] for it in resources("HorizontalPodAutoscaler")}
    assert scalers.keys() == deployments.keys()
    assert all(2 <= it["minReplicas"] < it["maxReplicas"] for it in scalers.values())
    for deployment in deployments.values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        budgets = [it for it in resources("PodDisruptionBudget") if selects(it["spec"]["selector"], labels)]
        assert [it["spec"]["maxUnavailable"] for it in budgets] == [1]


def test_the_connections_are_added_up_for_as_many_pods_as_there_may_be() -> None:
    guide = (PROJECT / "docs" / "operations.md").read_text()
    said = re.search(r"\((\d+) API, (\d+) workers, (\d+) console, pools of (\d+)\)", guide)
    assert said is not None
    most = {
        it["spec"]["scaleTargetRef"]["name"]: it["spec"]["maxReplicas"] for it in resources("HorizontalPodAutoscaler")
    }
    (console,) = [it["spec"]["replicas"] for it in resources("Deployment") if "replicas" in it["spec"]]
    pool = settings(pods()["api"]).database_pool_size
    assert [int(number) for number in said.groups()] == [most["invoicing-api"], most["invoicing-worker"], console, pool]


def test_every_selector_finds_the_pods_it_means() -> None:
    (service,) = resources("Service")
    chosen = [
        name for name, pod in pods().items() if selects({"matchLabels": service["spec"]["selector"]}, pod["labels"])
    ]
    assert chosen == ["api"]
    for deployment in resources("Deployment"):
        assert selects(deployment["spec"]["selector"], deployment["spec"]["template"]["metadata"]["labels"])


COLLECTOR = 4318
"""OTLP over HTTP."""


def test_every_pod_is_cut_off_but_for_what_is_named() -> None:
    policies = [it["spec"] for it in resources("NetworkPolicy")]
    reach = {}
    for component, pod in pods().items():
        applying = [it for it in policies if selects(it["podSelector"], pod["labels"])]
        assert any(
            set(it["policyTypes"]) == {"Ingress", "Egress"} and it.keys().isdisjoint({"ingress", "egress"})
            for it in applying
        )
        out = {port["port"] for it in applying for rule in it.get("egress", []) for port in rule["ports"]}
        reach[component] = (out, any("ingress" in it for it in applying))
    assert {443, 5432, 53, COLLECTOR} <= reach["api"][0] == reach["worker"][0]
    assert reach["migrate"] == ({53, 5432, 6432}, False)
    assert reach["console"] == reach["migrate"]  # people come by a tunnel
    assert reach["api"][1]


def test_the_pods_cannot_reach_the_clouds_metadata() -> None:
    blocks = [
        to["ipBlock"]
        for it in resources("NetworkPolicy")
        for rule in it["spec"].get("egress", [])
        for to in rule["to"]
        if to.get("ipBlock", {}).get("cidr") in {"0.0.0.0/0", "::/0"}
    ]
    assert any("169.254.0.0/16" in block["except"] for block in blocks)
    assert all(block["except"] for block in blocks)


def test_the_steps_of_a_roll_out_choose_every_resource_once() -> None:
    """What deploy/kubernetes/README.md applies first (shared, migrate) and then (the rest) is told apart by one label."""
    for overlay in OVERLAYS:
        components = {it["metadata"]["labels"]["app.kubernetes.io/component"] for it in rendered(overlay)}
        assert components == {"shared", "migrate", "console", *SERVING}

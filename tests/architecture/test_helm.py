"""The Helm chart, rendered by Helm itself: the manifests that kustomize makes, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.version import VERSION
from tests.architecture.test_kubernetes import COMPONENT, FOLDER, rendered

helm = pytest.importorskip("helm_python", reason="Helm is not here: `make helm` fetches it")

CHART = FOLDER.parent / "helm"
HASH = re.compile(r"(?<=^invoicing-)[0-9a-z]{10}$")
HOOK = "helm.sh/hook"
Manifest = dict[str, Any]


def values() -> Manifest:
    """What the chart is told so as to render the example's overlay."""
    overlay = yaml.safe_load((FOLDER / "overlays" / "example" / "kustomization.yaml").read_text())
    (image,) = overlay["images"]
    literals = overlay["configMapGenerator"][0]["literals"]
    return {
        "image": {"repository": image["newName"], "tag": image["newTag"]},
        "settings": dict(literal.split("=", 1) for literal in literals),
        "ingress": {"host": "pay.example.com", "tlsSecret": "pay-example-com-tls"},
        "podMonitor": True,
    }


def chart(**changed: Any) -> list[Manifest]:
    with helm.Chart.load(str(CHART)) as loaded:
        (text,) = loaded.render(values() | changed, name="invoicing", namespace="invoicing").values()
    return [it for it in yaml.safe_load_all(text) if it]


def without_hash(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_hash(it) for name, it in value.items()}
    if isinstance(value, list):
        return [without_hash(it) for it in value]
    return HASH.sub("…", value) if isinstance(value, str) else value


def by_name(manifests: list[Manifest]) -> dict[tuple[str, str], Manifest]:
    return {(it["kind"], it["metadata"]["name"]): it for it in map(without_hash, manifests)}


def hooks(manifests: list[Manifest]) -> dict[str, str]:
    """The weight of each hook, by kind; the annotations of hooks are taken away."""
    found = {}
    for it in manifests:
        told = it["metadata"].get("annotations", {})
        if told.pop(HOOK, None):
            found[it["kind"]] = told.pop(f"{HOOK}-weight")
    return found


def test_it_renders_what_kustomize_renders() -> None:
    manifests = chart()
    hooks(manifests)
    assert by_name(manifests) == by_name(list(rendered("example")))


def test_the_migration_runs_before_the_pods_and_after_what_it_needs() -> None:
    assert hooks(chart()) == {"ServiceAccount": "-2", "ConfigMap": "-2", "Job": "-1"}


def test_a_changed_setting_rolls_the_pods() -> None:
    def names(**changed: Any) -> set[str]:
        return {it["metadata"]["name"] for it in chart(**changed) if it["kind"] == "ConfigMap"}

    assert names() == names()
    assert names() != names(settings=values()["settings"] | {"LOG_LEVEL": "error"})


def test_images_resources_and_anything_else_can_be_set() -> None:
    least = {"requests": {"cpu": "1"}}
    found = by_name(
        chart(
            image={"digest": "sha256:0"},
            resources={"worker": least},
            patches={"HorizontalPodAutoscaler/invoicing-api": {"spec": {"maxReplicas": 4}}},
        )
    )
    for (kind, _), it in found.items():
        if kind in {"Deployment", "Job"}:
            (container,) = it["spec"]["template"]["spec"]["containers"]
            assert container["image"] == "invoicing@sha256:0"
            assert (container["resources"] == least) == (it["metadata"]["labels"][COMPONENT] == "worker")
    assert found["HorizontalPodAutoscaler", "invoicing-api"]["spec"]["maxReplicas"] == 4


def test_a_chart_without_a_host_says_what_to_set() -> None:
    with pytest.raises(helm.HelmError, match="must be set: where payers"):
        chart(ingress={})


def test_values_that_there_are_not_are_refused() -> None:
    with helm.Chart.load(str(CHART)) as loaded:
        loaded.validate_schema(values())
        wrong: dict[str, Manifest] = {
            "ingres": {"ingres": {}},
            "log_level": {"settings": {"log_level": "info"}},
            "wroker": {"resources": {"wroker": {}}},
        }
        for name, changed in wrong.items():
            with pytest.raises(helm.HelmError, match=name):
                loaded.validate_schema(values() | changed)


def test_the_chart_is_of_this_version_and_has_no_faults() -> None:
    told = yaml.safe_load(Path(CHART / "Chart.yaml").read_text())
    assert (told["version"], told["appVersion"]) == (VERSION, VERSION)
    assert helm.lint(str(CHART))["errors"] == []

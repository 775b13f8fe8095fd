"""The files for Docker and Kubernetes, held against their schemas; a wrong file fails, which is shown beside each right one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS = ROOT / "deployments"
DOCKERFILE, COMPOSE, KUBERNETES = DEPLOYMENTS / "Dockerfile", DEPLOYMENTS / "compose.yaml", DEPLOYMENTS / "kubernetes"
OLDEST, NEWEST = "1.29", kubernetes_validate.latest_version()
BIN = Path(sys.executable).parent


def run(*command: str | Path, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **variables}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environ, capture_output=True, text=True, timeout=120, check=False
    )


def changed(path: Path, old: str, new: str, to: Path) -> Path:
    """Write a file that is wrong in one place."""
    text = path.read_text()
    assert old in text
    to.write_text(text.replace(old, new, 1))
    return to


def compose_schema(path: Path) -> int:
    return run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path).returncode


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    return run(BIN / "hadolint", "--failure-threshold", "info", path)


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(KUBERNETES.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield from ((path.name, each) for each in yaml.safe_load_all(path.read_text()))


@pytest.mark.slow
def test_the_compose_file_follows_its_specification(tmp_path: Path) -> None:
    assert compose_schema(COMPOSE) == 0
    assert compose_schema(changed(COMPOSE, "env_file:", "env_files:", tmp_path / "a.yaml")) == 1
    assert compose_schema(changed(COMPOSE, "condition: service_healthy", "condition: healthy", tmp_path / "b.yaml")) == 1


def test_docker_itself_reads_the_compose_file(tmp_path: Path) -> None:
    if shutil.which("docker") is None or run("docker", "compose", "version").returncode != 0:
        pytest.skip("there is no docker compose on this machine")
    copy = shutil.copytree(DEPLOYMENTS, tmp_path / "deployments")
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    assert run("docker", "compose", "--file", copy / "compose.yaml", "config", "--quiet").returncode == 0
    wrong = changed(COMPOSE, "networks: [database, arena]", "networks: [database, nowhere]", copy / "wrong.yaml")
    assert run("docker", "compose", "--file", wrong, "config", "--quiet").returncode != 0


def test_nothing_is_published_but_prefects_ui_and_the_dashboard_on_loopback() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports == {"server": ["127.0.0.1:4200:4200"], "dashboard": ["127.0.0.1:8000:8000"]}
    for name, service in services.items():
        assert {*service["networks"]} <= {"arena", "database"} and not service.get("privileged")
        assert name == "deploy" or "healthcheck" in service, f"nobody would see that {name} hangs"
    assert [name for name, service in services.items() if "database" in service["networks"]] == ["postgres", "server"]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_manifests_follow_the_schemas_of_kubernetes(version: str) -> None:
    found = list(manifests())
    assert {each["kind"] for _, each in found} >= {"Deployment", "StatefulSet", "PersistentVolumeClaim", "ConfigMap", "Service"}
    for _, manifest in found:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize(
    ("old", "new"), [("replicas: 1", "replicas: one"), ("envFrom:", "envFroms:"), ("runAsNonRoot: true", "runAsNonRoot: perhaps")]
)
def test_a_wrong_manifest_fails(old: str, new: str, tmp_path: Path) -> None:
    wrong = changed(KUBERNETES / "worker.yaml", old, new, tmp_path / "worker.yaml")
    (worker,) = [each for each in yaml.safe_load_all(wrong.read_text()) if each["kind"] == "Deployment"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(worker, NEWEST, strict=True)


def test_what_the_manifests_name_is_there() -> None:
    """A Secret is made by hand (README.md); everything else that is named must be in a file."""
    text = json.dumps(
        [each for _, each in manifests()] + [yaml.safe_load((DEPLOYMENTS / "pools" / "kubernetes.yaml").read_text())]
    )
    made = {(each["kind"], each["metadata"]["name"]) for _, each in manifests()}
    asked = {("ConfigMap", "prefect-server"), ("ConfigMap", "prefect-worker"), ("PersistentVolumeClaim", "arena-runs")}
    for kind, name in asked:
        assert (kind, name) in made and f'"{name}"' in text
    readme = (DEPLOYMENTS / "README.md").read_text()
    for secret in ("arena-env", "prefect-database"):
        assert f'"{secret}"' in text and f"create secret generic {secret} " in readme
    listed = set(yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"])
    assert listed == {name for name, _ in manifests()} - {"jobs.yaml"}, "what a worker of another type needs is applied by hand"


def test_kubectl_builds_what_is_applied(tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl on this machine")
    built = run("kubectl", "kustomize", KUBERNETES)
    assert built.returncode == 0, built.stderr
    found = list(yaml.safe_load_all(built.stdout))
    assert {each["metadata"]["namespace"] for each in found if each["kind"] != "Namespace"} == {"arena"}
    copy = shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    (copy / "worker.yaml").unlink()
    assert run("kubectl", "kustomize", copy).returncode != 0


def test_no_container_is_root_or_may_become_it() -> None:
    """The namespace demands it, of a run that is a Job, too."""
    job = yaml.safe_load((DEPLOYMENTS / "pools" / "kubernetes.yaml").read_text())["job_configuration"]["job_manifest"]
    workloads = [(name, each) for name, each in manifests() if each["kind"] in ("Deployment", "StatefulSet")]
    for name, manifest in (*workloads, ("a Job", job)):
        pod = manifest["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["seccompProfile"], name
        for container in (*pod["containers"], *pod.get("initContainers", [])):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False and security["capabilities"] == {"drop": ["ALL"]}, name
            assert "memory" in container["resources"]["limits"]
    last = [line for line in DOCKERFILE.read_text().splitlines() if line.startswith("USER ")][-1]
    assert last == "USER 10001"


def test_the_dockerfile_passes_the_linter(tmp_path: Path) -> None:
    assert (found := lint(DOCKERFILE)).returncode == 0, found.stdout
    latest = lint(changed(DOCKERFILE, "python:3.12-slim", "python:latest", tmp_path / "a"))
    assert latest.returncode == 1 and "DL3007" in latest.stdout
    nonsense = lint(changed(DOCKERFILE, "USER 10001", "USR 10001", tmp_path / "b"))
    assert nonsense.returncode == 1


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The files that the Dockerfile copies, and no others, where the ignore file lets them in."""
    allowed = {line[1:] for line in (DEPLOYMENTS / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    home = tmp_path / "arena"
    home.mkdir()
    copied = [line.split()[1:] for line in DOCKERFILE.read_text().splitlines() if line.startswith("COPY ")]
    assert {source for *sources, _ in copied for source in sources} == allowed, "the ignore file lets in what is copied"
    for *sources, target in copied:
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, home / target, ignore=shutil.ignore_patterns("__pycache__", ".env*"))
            else:
                shutil.copy(ROOT / source, home / target)
    return home


@pytest.mark.slow
def test_what_is_copied_into_the_image_is_enough(image: Path) -> None:
    inside = {"PYTHONPATH": str(image), "PREFECT_API_URL": "", "ARENA_ENV_FILE": "none", "PREFECT_HOME": str(image / "prefect")}
    flows = [
        each["entrypoint"].rpartition(".")[0] for each in yaml.safe_load((image / "prefect.yaml").read_text())["deployments"]
    ]
    imported = run(sys.executable, "-c", f"import deployments.apply, {', '.join(flows)}", cwd=image, **inside)
    assert imported.returncode == 0, imported.stderr
    deployed = run(sys.executable, "-m", "deployments.apply", cwd=image, **inside, **{"TOTAL_LLMS": "1"})
    assert deployed.returncode == 2 and "no Prefect server is named" in deployed.stderr, deployed.stderr
    schema = run(sys.executable, "-m", "arena.cli", "db", "init", "--sql", cwd=image, **inside)
    assert schema.returncode == 0 and "create table" in schema.stdout.lower()
    assert not list(image.rglob(".env*"))

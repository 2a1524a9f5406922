"""What stands in deploy/ fits together, and its commands are those that there are.  Its servers: bus/test_deploy.py."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from schemas.subjects import Space
from schemas.topology import load
from services.gateway.doorkeeper import OPEN
from services.runtime.keyring import make_keyring
from services.runtime.server import find_binary
from services.runtime.telemetry.exposition import address_of
from tests.commands import check_command

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
NODES = [node.id for node in load(ROOT / "topology.json").nodes]
API_VERSION = "1.31"


def manifests() -> list[dict[str, Any]]:
    names = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    return [part for name in names for part in yaml.safe_load_all((KUBERNETES / name).read_text())]


def pods() -> list[dict[str, Any]]:
    return [part["spec"]["template"]["spec"] for part in manifests() if part["kind"] in ("Deployment", "StatefulSet")]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Give every command of the units, the compose file, the manifests and the image, and where it stands."""
    for unit in UNITS:
        (line,) = re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)
        yield unit.name, shlex.split(line)
    for name, service in COMPOSE["services"].items():
        yield f"compose {name}", service["command"]
    for pod in pods():
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            yield f"kubernetes {container['name']}", container["command"]
    (line,) = re.findall(r"^CMD (.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    yield "Dockerfile", json.loads(line)


@pytest.mark.parametrize("words", [pytest.param(words, id=where) for where, words in commands()])
def test_commands_exist(words: list[str]) -> None:
    check_command(words)


def test_files_that_the_page_names_exist() -> None:
    for name in re.findall(r"^\| `([^`]+)`", (DEPLOY / "README.md").read_text(), re.MULTILINE):
        assert (DEPLOY / name).exists(), name


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed here")
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text().replace("/opt/dellm/bin/python", sys.executable)
        (tmp_path / path.name).write_text(text.replace("/opt/dellm/bin/nats-server", sys.executable))
    name = unit.name.replace("@.", "@node-1.")
    done = subprocess.run([analyze, "verify", str(tmp_path / name)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_units_are_wanted_by_the_target() -> None:
    assert UNITS
    assert all("WantedBy=dellm.target" in unit.read_text() for unit in UNITS)
    told = (DEPLOY / "systemd/environment").read_text()
    used = {name for unit in UNITS for name in re.findall(r"\$\{(\w+)\}", unit.read_text())}
    assert used <= set(re.findall(r"^(\w+)=", told, re.MULTILINE))


def test_compose_fits_together() -> None:
    for name, service in COMPOSE["services"].items():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"]), name
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            there = (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
            assert there, f"{name} mounts {source}"
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    named = [words[words.index("--node") + 1] for _, words in commands() if "--node" in words and "python" in words]
    assert {name for name in named if name.startswith("node-")} <= set(NODES)


def test_the_image_gets_what_it_copies() -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    for source in " ".join(sources).split():
        assert (ROOT / source).exists(), source
        assert any(name == source or name.startswith(f"{source}/") for name in let_in), source
    for name in let_in:
        assert list(ROOT.glob(name)), name


@pytest.mark.parametrize(
    "part",
    manifests(),
    ids=lambda part: f"{part['kind']} {part['metadata']['name']}",
)
def test_manifests_are_what_the_api_takes(part: dict[str, Any]) -> None:
    kubernetes_validate.validate(part, API_VERSION, strict=True)


def test_the_check_of_manifests_has_teeth() -> None:
    (part,) = [part for part in manifests() if part["metadata"]["name"] == "gateway" and part["kind"] == "Deployment"]
    part["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(part, API_VERSION, strict=True)


def test_pods_fit_together() -> None:
    for part in manifests():
        if part["kind"] not in ("Deployment", "StatefulSet"):
            continue
        pod = part["spec"]["template"]["spec"]
        there = {volume["name"] for volume in pod["volumes"]}
        there |= {claim["metadata"]["name"] for claim in part["spec"].get("volumeClaimTemplates", ())}
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert {mount["name"] for mount in container["volumeMounts"]} <= there
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                if probe in container:
                    get = container[probe]["httpGet"]
                    assert get["port"] in {port["name"] for port in container["ports"]}
                    assert container["name"] != "gateway" or get["path"] in OPEN
        assert part["spec"]["selector"]["matchLabels"].items() <= part["spec"]["template"]["metadata"]["labels"].items()


def test_every_process_of_ours_is_scraped() -> None:
    monitor = yaml.safe_load((KUBERNETES / "podmonitor.yaml").read_text())  # the API itself has no schema of it
    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "PodMonitor")
    assert monitor["spec"].keys() == {"selector", "podMetricsEndpoints"}
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (chosen,) = monitor["spec"]["selector"]["matchExpressions"]
    assert (chosen["key"], chosen["operator"]) == ("app", "In")
    scraped = set()
    for part in manifests():
        if part["kind"] not in ("Deployment", "StatefulSet"):
            continue
        (container,) = part["spec"]["template"]["spec"]["containers"]
        if container["command"][:3] == ["python", "-m", "services"]:
            told = container["command"][container["command"].index("--metrics") + 1]
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            assert told == f"0.0.0.0:{ports[endpoint['port']]}"
            scraped.add(part["spec"]["template"]["metadata"]["labels"]["app"])
    assert scraped == set(chosen["values"])


def test_prometheus_scrapes_what_the_page_starts() -> None:
    told = yaml.safe_load((DEPLOY / "grafana/prometheus.yml").read_text())
    targets = [target for job in told["scrape_configs"] for each in job["static_configs"] for target in each["targets"]]
    assert len(targets) == len(set(targets))
    assert all(address_of(target)[0] == "127.0.0.1" for target in targets)


def test_each_node_of_the_topology_has_a_pod() -> None:
    (nodes,) = [part for part in manifests() if part["kind"] == "StatefulSet" and part["metadata"]["name"] == "node"]
    first = nodes["spec"]["ordinals"]["start"]
    assert [f"node-{first + i}" for i in range(nodes["spec"]["replicas"])] == NODES


def test_kustomize_builds_all_of_it() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed here")
    done = subprocess.run([kubectl, "kustomize", str(KUBERNETES)], capture_output=True, text=True, check=True)
    built = list(yaml.safe_load_all(done.stdout))
    assert len(built) == len(manifests())
    for part in built:
        kubernetes_validate.validate(part, API_VERSION, strict=True)
        assert part["kind"] == "Namespace" or part["metadata"]["namespace"] == "dellm"


def test_values_of_the_chart(tmp_path: Path) -> None:
    """What they add to the configuration is what nats-server takes, and what they add to the pods what the API takes.

    The chart writes `<< >>` without quotes, and a key that ends in `$include` as an include.
    """
    values = yaml.safe_load((KUBERNETES / "nats-values.yaml").read_text())
    merged = dict(values["config"]["merge"])
    included = [merged.pop(key) for key in list(merged) if key.endswith("$include")]
    assert included == ["../nats-authorization/auth.conf"]
    text = re.sub(r'"<< (.+?) >>"', r"\1", json.dumps(merged))
    make_keyring(tmp_path / "nats-authorization", Space(), nodes=NODES)
    config = tmp_path / "nats-config" / "nats.conf"
    config.parent.mkdir()
    store = f"jetstream {{ store_dir: {json.dumps(str(tmp_path))} }}"
    config.write_text(f"{text[1:-1]}\n{store}\ninclude {included[0]}\n")
    done = subprocess.run([find_binary(), "-c", str(config), "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (mount,) = [patch["value"] for patch in values["container"]["patch"]]
    (volume,) = [patch["value"] for patch in values["podTemplate"]["patch"]]
    assert mount["name"] == volume["name"]
    assert mount["mountPath"] == "/etc/nats-authorization"
    image = f"nats:{values['container']['image']['tag']}"
    container = {"name": "nats", "image": image, "volumeMounts": [mount]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "nats"},
        "spec": {"containers": [container], "volumes": [volume]},
    }
    kubernetes_validate.validate(pod, API_VERSION, strict=True)
    assert find_binary_version() in image


def find_binary_version() -> str:
    done = subprocess.run([find_binary(), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.rpartition("v")[2].strip()

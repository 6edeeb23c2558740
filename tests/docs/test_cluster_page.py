"""The manifest for KubeRay fits together, and contains what the page about clusters names."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from tests.docs.pages import DOCS, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (DOCS / "cluster.md").read_text("utf-8")
OBJECTS: list[dict[str, Any]] = list(
    yaml.safe_load_all((ROOT / "examples" / "kuberay" / "raycluster.yaml").read_text("utf-8"))
)


def only(kind: str) -> dict[str, Any]:
    (found,) = (item for item in OBJECTS if item["kind"] == kind)
    return found


CLUSTER = only("RayCluster")["spec"]
HEAD = CLUSTER["headGroupSpec"]["template"]["spec"]
PODS = [HEAD, *(group["template"]["spec"] for group in CLUSTER["workerGroupSpecs"])]
(HTTPS,) = only("Service")["spec"]["ports"]


def settings() -> dict[str, Any]:
    """Return the settings of the service on Kubernetes."""
    (text,) = (text for text in re.findall(r"(?s)```toml\n(.*?)```", PAGE) if "https:" in text)
    return tomllib.loads(text)


def ports(pod: dict[str, Any]) -> dict[str, int]:
    """Return the numbers of a pod's ports by name."""
    return {
        port["name"]: port["containerPort"]
        for container in pod["containers"]
        for port in container.get("ports", [])
    }


def claims(pod: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the volume claims of a pod, with the path in its first container."""
    names = {volume["name"]: volume.get("persistentVolumeClaim") for volume in pod["volumes"]}
    for mount in pod["containers"][0]["volumeMounts"]:
        if (claim := names[mount["name"]]) is not None:
            yield claim["claimName"], mount["mountPath"]


def test_every_request_needs_the_token_of_the_page() -> None:
    secret = CLUSTER["authOptions"]["secretName"]
    assert CLUSTER["authOptions"]["mode"] == "token"
    assert f"kubectl create secret generic {secret} --from-file=auth_token=" in PAGE


def test_the_service_uses_the_encrypted_port() -> None:
    address = httpx.URL(settings()["engine"]["address"])
    assert (address.scheme, address.host, address.port) == (
        "https",
        only("Service")["metadata"]["name"],
        HTTPS["port"],
    )
    assert ports(HEAD)[HTTPS["targetPort"]] == HTTPS["port"]


def test_the_proxy_encrypts_the_port_of_the_dashboard() -> None:
    (proxy,) = only("ConfigMap")["data"].values()
    assert f"listen {ports(HEAD)['https']} ssl;" in proxy
    assert f"proxy_pass http://127.0.0.1:{ports(HEAD)['dashboard']};" in proxy

    names = {volume["name"]: volume for volume in HEAD["volumes"]}
    assert names["tls-settings"]["configMap"]["name"] == only("ConfigMap")["metadata"]["name"]
    assert f"kubectl create secret tls {names['certificate']['secret']['secretName']} " in PAGE


def test_others_reach_only_the_encrypted_port() -> None:
    policy = only("NetworkPolicy")["spec"]
    cluster = {"ray.io/cluster": only("RayCluster")["metadata"]["name"]}
    assert (policy["podSelector"], policy["policyTypes"]) == ({"matchLabels": cluster}, ["Ingress"])
    within, service = policy["ingress"]
    assert within == {"from": [{"podSelector": {"matchLabels": cluster}}]}
    (peer,) = service["from"]
    ((key, value),) = peer["podSelector"]["matchLabels"].items()
    assert f"label `{key}: {value}`" in PAGE
    assert [port["port"] for port in service["ports"]] == [HTTPS["targetPort"]]


@pytest.mark.parametrize("pod", PODS, ids=["head", "worker"])
def test_each_pod_shares_the_data_folder(pod: dict[str, Any]) -> None:
    claim = only("PersistentVolumeClaim")
    ((name, path),) = claims(pod)
    assert name == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert f"the volume `{name}` at\n   `{path}`" in PAGE
    assert settings()["data"].startswith(f"{path}/")


@pytest.mark.parametrize("pod", PODS, ids=["head", "worker"])
def test_each_pod_runs_as_the_user_of_the_service(pod: dict[str, Any]) -> None:
    assert f"the user {pod['securityContext']['runAsUser']}," in PAGE


def test_a_worker_offers_the_requested_resources() -> None:
    engine = settings()["engine"]
    (group,) = CLUSTER["workerGroupSpecs"]
    limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
    offered = {"cpus": int(limits["cpu"]), "gpus": int(limits["nvidia.com/gpu"])}
    assert {name: engine[name] for name in offered} == offered
    assert int(engine["memory"].split()[0]) < int(limits["memory"].removesuffix("Gi"))


def test_the_image_has_the_version_of_ray() -> None:
    (version,) = re.findall(r"FROM rayproject/ray:([\d.]+)-", PAGE)
    assert version == CLUSTER["rayVersion"]
    images = {pod["containers"][0]["image"] for pod in PODS}
    assert len(images) == 1

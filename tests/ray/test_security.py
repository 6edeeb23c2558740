"""The cluster of the tests is closed, and the service refuses open clusters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.ray.heads import ADDRESS, Head
from tests.ray.services import ray_service
from tests.serve.services import messages, train, wait_for

from pulumi_openai_ft.serve.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.services import RunningService

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]
LISTENING, LOOPBACK = (
    "0A",
    ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"),
)


def interfaces() -> list[str]:
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    return [line.partition(":")[0].strip() for line in lines]


def listeners() -> list[str]:
    """Return the addresses, in the kernel's form, on which a process of the namespace listens."""
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return [row[1].partition(":")[0] for row in rows if row[3] == LISTENING]


def test_nothing_listens_outside_of_loopback(head: Head) -> None:
    assert head.get("/api/version").is_success
    assert listeners(), "the head listens"
    assert {address for address in listeners() if address not in LOOPBACK} == set()
    assert interfaces() == ["lo"], "even a wildcard address is reachable from loopback only"


def test_the_head_refuses_requests_without_a_token(head: Head) -> None:
    assert httpx.get(f"{ADDRESS}/api/jobs/", trust_env=False).status_code == 401
    assert head.get("/api/jobs/").status_code == 200


def test_a_wrong_token_is_named_in_the_event(head: Head, tmp_path: Path) -> None:
    service = ray_service(tmp_path, head)
    service.environment = dict.fromkeys(service.environment, "0" * 64)
    with service, service.client() as client:
        job = train(client).id
        expected = "The Ray cluster refuses the token of the service"
        wait_for(client, job, "queued", until=lambda _: expected in str(messages(client, job)))
        assert "0" * 64 not in service.log()


@pytest.fixture
def open_head(head: Head) -> Iterator[Head]:
    """Restart the head without authentication, and with it in the end."""
    head.end()
    head.mode = "disabled"
    try:
        head.start()
        yield head
    finally:
        head.end()
        head.mode = "token"
        head.start()


def test_an_open_cluster_is_refused(open_head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor and the service report the next step, and the cluster receives nothing."""
    assert httpx.get(f"{ADDRESS}/api/jobs/", trust_env=False).status_code == 200
    service: RunningService = ray_service(tmp_path, open_head)
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    expected = (
        "The Ray cluster accepts requests without a token: start it with RAY_AUTH_MODE=token, because anyone who reaches it "
        "can run programs there."
    )

    (found,) = [finding for finding in examine(tmp_path / "serve.toml") if finding.check == "ray"]
    with service, service.client() as client:
        job = train(client).id
        wait_for(client, job, "queued", until=lambda _: expected in str(messages(client, job)))

    assert (found.status, found.message) == ("problem", expected)
    assert [line.partition(" The")[2] for line in service.log().splitlines() if expected in line] == [
        expected.removeprefix("The")
    ]
    known = [entry["submission_id"] for entry in open_head.get("/api/jobs/").json()]
    assert known == ["ready"]  # of the tests


def test_the_doctor_names_a_wrong_token(head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ray_service(tmp_path, head)
    for name in service.environment:
        monkeypatch.setenv(name, "0" * 64)
    (found,) = [finding for finding in examine(tmp_path / "serve.toml") if finding.check == "ray"]
    assert (found.status, found.message) == (
        "problem",
        "The Ray cluster refuses the token of the service. Check engine.address and the token, and that the cluster runs",
    )


def test_a_job_waits_for_a_shared_folder(head: Head, tmp_path: Path) -> None:
    """The cluster's machine cannot read the base model."""
    service = ray_service(tmp_path, head)
    program = tmp_path / "python"
    unshared = "import os; os.access = lambda *_: False\n"
    program.write_text(program.read_text().replace('"$@" ;;', f'-c "{unshared}$2" "$3" "$4" ;;'))
    with service, service.client() as client:
        job = train(client).id
        wait_for(
            client,
            job,
            "queued",
            seconds=90,
            until=lambda _: "the folder of a base model" in str(messages(client, job)),
        )


def test_the_doctor_checks_the_cluster(head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service: RunningService = ray_service(tmp_path, head)
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    (found,) = [finding for finding in examine(tmp_path / "serve.toml") if finding.check == "ray"]
    assert (found.status, found.message) == (
        "ok",
        f"Ray 2.60.0 at {ADDRESS}, 2 CPUs; it shares {tmp_path / 'data'}",
    )

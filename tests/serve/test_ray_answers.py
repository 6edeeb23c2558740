"""The engine `ray` with a head that is open, busy, broken, or another server: a stand-in, over real HTTP."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from tests.ray.services import stand_in_python
from tests.serve.ray_stand_in import TOKEN, RayStandIn
from tests.serve.servers import running
from tests.serve.services import (
    RunningService,
    config_text,
    messages,
    rows,
    train,
    wait_for,
    write_base_model,
)
from tests.serve.test_kills import wait_until

from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.doctor import examine
from pulumi_openai_ft.serve.engines.interface import Attempt
from pulumi_openai_ft.serve.engines.ray import client as client_module
from pulumi_openai_ft.serve.engines.ray import setup, shared_folder
from pulumi_openai_ft.serve.engines.ray.client import RayClient, RayError
from pulumi_openai_ft.serve.engines.ray.setup import build_engine
from pulumi_openai_ft.serve.job_folder import JobFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.responses import Response

    from pulumi_openai_ft.serve.doctor import Finding
    from pulumi_openai_ft.serve.engines.ray.engine import RayEngine

ENGINE = '\n[engine]\ntype = "ray"\naddress = "{address}"\ntoken_env = "DOOR"\npython = "{python}"\n'
OPEN = "The Ray cluster accepts requests without a token: start it with RAY_AUTH_MODE=token"
REQUEST = {
    "attempt": 1,
    "seed": 7,
    "hyperparameters": {"batch_size": 4, "n_epochs": 1},
    "keep_checkpoints": 3,
}
ROUTES = ("version", "list", "submit", "stop", "delete", "usage")
ANSWERS: dict[str, Response] = {
    "page": HTMLResponse("<h1>Welcome</h1>"),
    "error": HTMLResponse("<h1>Internal Server Error</h1>", 500),
    "busy": PlainTextResponse("", 503),
    "absent": HTMLResponse("<h1>Not found</h1>", 404),
    "moved": RedirectResponse("http://127.0.0.1:9/"),
    "refusal": PlainTextResponse("no", 403),
    "nothing": PlainTextResponse(""),
    "cut": PlainTextResponse('[{"submission_id": "a'),
    "deep": PlainTextResponse("[" * 100_000),
    "bytes": PlainTextResponse(b"\xff\xfe\x00"),
    "null": JSONResponse(None),
    "number": JSONResponse(7),
    "text": JSONResponse("x"),
    "lists": JSONResponse([[1]]),
    "numbers": JSONResponse([{"submission_id": 1, "status": 2}]),
    "other status": JSONResponse([{"submission_id": "a", "status": "SLEEPING"}]),
    "empty": JSONResponse({}),
    "other object": JSONResponse({"data": [1]}),
}
VALID = {("stop", "absent"), ("delete", "absent"), ("usage", "empty")}
"""Responses with a meaning: Ray does not know the submission, or reports no usage."""
CASES = [(route, answer) for route in ROUTES for answer in ANSWERS if (route, answer) not in VALID]


def cases_except(route: str) -> list[Any]:
    """Return the cases of all other routes, and mark most of them as long."""
    return [
        pytest.param(*case, marks=() if case[1] == "page" else pytest.mark.long)
        for case in CASES
        if case[0] != route
    ]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "_PAUSE", 0.02)
    monkeypatch.setattr(shared_folder, "SECONDS_BETWEEN_CHECKS", 0.02)
    monkeypatch.setenv("DOOR", TOKEN)


@contextmanager
def head(**settings: Any) -> Iterator[tuple[RayStandIn, str]]:
    """Run a stand-in, and yield it with its address."""
    made = RayStandIn(**settings)
    with running(made.app()) as address:
        try:
            yield made, address
        finally:
            made.end()


def write_service(folder: Path, address: str, more: str = "") -> Path:
    python = stand_in_python(folder)
    engine = ENGINE.format(address=address, python=python) + more
    (folder / "serve.toml").write_text(config_text(write_base_model(folder / "model"), python, more=engine))
    return folder / "serve.toml"


def finding(path: Path) -> Finding:
    (found,) = [finding for finding in examine(path) if finding.check == "ray"]
    return found


def new_attempt(folder: Path) -> Attempt:
    job = JobFolder(folder / "data" / "jobs" / "ftjob-a")
    (folder / "rows").write_bytes(rows())
    job.prepare(training=folder / "rows", validation=None, adapter=None)
    job.write_request(REQUEST)
    return Attempt(job, 1)


@contextmanager
def engine_of(path: Path) -> Iterator[RayEngine]:
    engine = build_engine(load_config(path), seconds=0.02)
    engine.open()
    try:
        yield engine
    finally:
        engine.close()


def calls(found: RayStandIn, route: str, count: int) -> bool:
    return found.calls.count(route) >= count


def require_sentence(text: str) -> None:
    assert text
    assert "\n" not in text
    assert "Traceback" not in text
    assert TOKEN not in text


def test_the_doctor_describes_a_cluster(tmp_path: Path) -> None:
    with head() as (_, address):
        found = finding(write_service(tmp_path, address))
    assert (found.status, found.message) == (
        "ok",
        f"Ray 2.60.0 at {address}, 2 CPUs; it shares {tmp_path / 'data'}",
    )


@pytest.mark.parametrize(("route", "answer"), cases_except("stop"))
def test_the_doctor_reports_an_odd_answer(route: str, answer: str, tmp_path: Path) -> None:
    with head(faults={route: ANSWERS[answer]}) as (_, address):
        found = finding(write_service(tmp_path, address))
    require_sentence(found.message)
    assert found.status == "problem"
    assert found.message.endswith("Check engine.address and the token, and that the cluster runs")
    assert list((tmp_path / "data").glob("*")) == []


@pytest.mark.parametrize(("route", "answer"), cases_except("version"))
def test_a_job_trains_once_after_odd_answers(
    route: str, answer: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    attempt = new_attempt(tmp_path)
    with (
        head(has_cpus=route != "usage", faults={route: ANSWERS[answer]}) as (found, address),
        engine_of(write_service(tmp_path, address)) as engine,
    ):
        if route == "stop":
            engine.stop(Attempt(JobFolder(tmp_path / "data" / "jobs" / "ftjob-b"), 1))
        engine.start(attempt, {})
        wait_until(lambda: calls(found, route, 2) and engine.state(attempt).notice != "")
        assert engine.state(attempt).end is None
        found.faults.clear()
        found.has_cpus = True
        wait_until(lambda: engine.state(attempt).end is not None)
    assert attempt.folder.result() == {"status": "succeeded", "trained_tokens": 70, "steps": [3], "final": 3}
    assert (attempt.folder.path / "attempts").read_text() == "1\n"
    assert [record for record in caplog.records if record.exc_info] == []
    assert TOKEN not in caplog.text


@pytest.fixture(scope="module")
def shared_head() -> Iterator[tuple[RayStandIn, str]]:
    with head() as made:
        yield made


@pytest.fixture
def client(shared_head: tuple[RayStandIn, str]) -> Iterator[RayClient]:
    made = RayClient(shared_head[1], lambda: TOKEN)
    yield made
    made.close()


def call(client: RayClient, route: str) -> object:
    """Call a route."""
    methods: dict[str, Callable[[], object]] = {
        "version": client.version,
        "list": client.submissions,
        "usage": client.usage,
        "submit": partial(client.submit, "ftjob-a-1", {"entrypoint": "true"}),
        "stop": partial(client.stop, "ftjob-b-1"),
        "delete": partial(client.delete, "ftjob-b-1"),
    }
    return methods[route]()


@pytest.mark.parametrize(("route", "answer"), CASES)
def test_an_odd_answer_is_reported_in_a_sentence(
    route: str, answer: str, client: RayClient, shared_head: tuple[RayStandIn, str]
) -> None:
    shared_head[0].faults = {route: ANSWERS[answer]}
    with pytest.raises(RayError) as caught:
        call(client, route)
    require_sentence(str(caught.value))
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(("route", "answer"), sorted(VALID))
def test_an_answer_with_a_meaning_is_accepted(
    route: str, answer: str, client: RayClient, shared_head: tuple[RayStandIn, str]
) -> None:
    shared_head[0].faults = {route: ANSWERS[answer]}
    assert not call(client, route)


LISTS = {"lists", "numbers", "other status"}


@pytest.mark.parametrize("answer", sorted(ANSWERS.keys() - LISTS - {"refusal"}))
def test_an_odd_answer_is_not_an_open_cluster(
    answer: str, client: RayClient, shared_head: tuple[RayStandIn, str]
) -> None:
    shared_head[0].faults = {"list": ANSWERS[answer]}
    with pytest.raises(RayError):
        client.requires_token()


@pytest.mark.parametrize("answer", sorted(LISTS))
def test_a_list_without_a_token_is_an_open_cluster(
    answer: str, client: RayClient, shared_head: tuple[RayStandIn, str]
) -> None:
    shared_head[0].faults = {"list": ANSWERS[answer]}
    assert not client.requires_token()


def test_an_open_cluster_receives_no_job(tmp_path: Path) -> None:
    """The service starts, reports the next step in its log and in the job's event, and submits nothing."""
    with head(is_open=True) as (found, address):
        path = write_service(tmp_path, address)
        doctor = finding(path)
        with RunningService(tmp_path, {"DOOR": TOKEN}) as service, service.client() as client:
            job = train(client).id
            wait_for(client, job, "queued", until=lambda _: OPEN in str(messages(client, job)))
            assert client.fine_tuning.jobs.cancel(job).status == "cancelled"
        assert OPEN in service.log()
        assert "Traceback" not in service.log()
    assert (doctor.status, doctor.message.startswith(OPEN)) == ("problem", True)
    assert found.bodies == []


def test_a_wrong_token_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR", "1" * 32)
    with head() as (found, address):
        message = finding(write_service(tmp_path, address)).message
    assert message.startswith(
        "The Ray cluster refuses the token of the service. Check engine.address and the token"
    )
    assert found.bodies == []


@pytest.mark.parametrize("token", ["passwört", "two\nlines", "\x00"])
def test_a_token_with_odd_characters_is_named(token: str, tmp_path: Path) -> None:
    path = write_service(tmp_path, "http://127.0.0.1:9")
    (tmp_path / "token").write_text(token)
    path.write_text(path.read_text().replace('token_env = "DOOR"', 'token_file = "token"'))
    message = finding(path).message
    require_sentence(message)
    assert token not in message
    assert message.startswith(f"engine.token_file is {tmp_path / 'token'}, which contains characters")


@contextmanager
def silent_address(backlog: int = 50) -> Iterator[str]:
    """Yield the address of a socket that answers nothing. Without a backlog, it does not even accept connections."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=backlog))
        address = listener.getsockname()
        if not backlog:
            for _ in range(3):  # fill the queue, after which the kernel drops further connections
                waiting = stack.enter_context(socket.socket())
                waiting.settimeout(0)
                waiting.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"


@pytest.mark.parametrize("backlog", [50, 0])
@pytest.mark.parametrize("route", ROUTES)
def test_each_call_has_a_timeout(route: str, backlog: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(client_module, "CONNECT_SECONDS", 0.3)
    with silent_address(backlog) as address:
        client, started = RayClient(address, lambda: TOKEN), time.monotonic()
        with pytest.raises(RayError, match="does not respond"):
            call(client, route)
        client.close()
    assert time.monotonic() - started < 3


def test_a_silent_head_does_not_delay_the_engine(tmp_path: Path) -> None:
    with silent_address() as address:
        path = write_service(tmp_path, address)
        started = time.monotonic()
        with engine_of(path) as engine:
            attempt = new_attempt(tmp_path)
            engine.start(attempt, {})
            assert engine.state(attempt).waits
            engine.stop(attempt)
            time.sleep(0.1)
        assert time.monotonic() - started < client_module.ANSWER_SECONDS / 2


def test_the_doctor_names_a_silent_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "ANSWER_SECONDS", 0.3)
    with silent_address() as address:
        found = finding(write_service(tmp_path, address))
    assert found.message.startswith("The Ray cluster does not respond. Check engine.address")


RUNTIME = """
[engine.runtime_env]
{setting}
env_vars = {{ LANG = "C.UTF-8" }}
"""


@pytest.mark.parametrize(
    ("setting", "posted"),
    [
        ('image = "registry.example/team/train:1"', {"image_uri": "registry.example/team/train:1"}),
        ('pip = ["einops==0.8.1", "sentencepiece"]', {"pip": ["einops==0.8.1", "sentencepiece"]}),
        ("", {}),
    ],
)
def test_the_runtime_environment_is_posted(setting: str, posted: dict[str, Any], tmp_path: Path) -> None:
    """The check of the shared folder runs in the same environment as the trainers."""
    with head() as (found, address):
        path = write_service(tmp_path, address, RUNTIME.format(setting=setting))
        with engine_of(path) as engine:
            attempt = new_attempt(tmp_path)
            engine.start(attempt, {})
            wait_until(lambda: engine.state(attempt).end is not None)
    check, job = found.bodies
    variables = {"LANG": "C.UTF-8", "RAY_JOB_STOP_WAIT_TIME_S": "60"}
    python, folder = tmp_path / "python", attempt.folder.path
    assert check["runtime_env"] == {**posted, "env_vars": variables}
    assert job == {
        "submission_id": "ftjob-a-1",
        "entrypoint": (
            f"[ -d {folder} ] || exit 72; "
            f'[ "$(cat {folder}/submission)" = ftjob-a-1 ] || exit 75; '
            f"exec {python} -m pulumi_openai_ft.trainer {folder} >>{folder}/trainer.log 2>&1"
        ),
        "entrypoint_num_cpus": 1,
        "metadata": {"job": "ftjob-a"},
        "runtime_env": {**posted, "env_vars": variables},
    }


def test_no_secret_of_the_service_is_posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GATE"):
        monkeypatch.setenv(name, f"secret-{name}")
    with head() as (found, address):
        path = write_service(tmp_path, address, '[serving]\nvllm_key_env = "GATE"\n')
        with engine_of(path) as engine:
            attempt = new_attempt(tmp_path)
            engine.start(attempt, {"SECRET": "secret-of-the-caller"})
            wait_until(lambda: engine.state(attempt).end is not None)
    assert len(found.bodies) == 2
    assert TOKEN not in str(found.bodies)
    assert "secret-" not in str(found.bodies)

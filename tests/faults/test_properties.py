"""Property-based tests of the providers, for arbitrary and for valid inputs."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi.output import Unknown
from tests.fake_clock import WALL, FakeClock
from tests.faults.stack_resource import as_stored

from pulumi_openai_ft._client.objects import Job
from pulumi_openai_ft._client.requests import Session
from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.job import state as _job_outputs
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft._provider.base import Provider

MODELS = {
    "supervised": "gpt-4o-mini-2024-07-18",
    "dpo": "gpt-4o-mini-2024-07-18",
    "reinforcement": "o4-mini-2025-04-16",
}
bounded = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# arbitrary inputs
NAMES = st.sampled_from(
    [
        "type",
        "supervised",
        "dpo",
        "reinforcement",
        "hyperparameters",
        "n_epochs",
        "batch_size",
        "grader",
        "graders",
        "input",
        "name",
        "operation",
        "wandb",
        "project",
        "tags",
        "anchor",
        "seconds",
        "__identity",
        "__provider",
        "__training_file_sha256",
        "a.b",
        "[0]",
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.builds(Unknown)
    | st.sampled_from(["auto", "reinforcement", "multi", "string_check", "ftjob-1", "ft:m:o::a", ".", "\0"])
)
ARBITRARY = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner, max_size=4),
    max_leaves=12,
)

# valid inputs
WORDS = st.text(string.ascii_letters + string.digits + " -_", min_size=1, max_size=20).filter(str.strip)
AUTO = st.just("auto")
COMMON_HYPERPARAMETERS = {
    "n_epochs": AUTO | st.integers(1, 50),
    "batch_size": AUTO | st.integers(1, 256),
    "learning_rate_multiplier": AUTO | st.floats(0.001, 100),
}
METHOD_HYPERPARAMETERS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "supervised": COMMON_HYPERPARAMETERS,
    "dpo": {**COMMON_HYPERPARAMETERS, "beta": AUTO | st.floats(0.001, 2)},
    "reinforcement": {
        **COMMON_HYPERPARAMETERS,
        "reasoning_effort": st.sampled_from(["default", "low", "medium", "high"]),
        "compute_multiplier": AUTO | st.floats(0.001, 10),
        "eval_interval": AUTO | st.integers(1, 9),
        "eval_samples": AUTO | st.integers(1, 9),
    },
}
GRADER = {
    "type": "string_check",
    "name": "same",
    "input": "{{sample.output_text}}",
    "reference": "{{item.answer}}",
}
GRADERS = st.sampled_from(["eq", "ne", "like", "ilike"]).map(
    lambda operation: {**GRADER, "operation": operation}
)


@st.composite
def methods(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(METHOD_HYPERPARAMETERS)))
    block: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {}, optional={"hyperparameters": st.fixed_dictionaries({}, optional=METHOD_HYPERPARAMETERS[kind])}
        )
    )
    if kind == "reinforcement":
        block["grader"] = draw(GRADERS)
    return {"type": kind, kind: block}


WANDB = st.fixed_dictionaries(
    {"project": WORDS}, optional={"name": WORDS, "entity": WORDS, "tags": st.lists(WORDS, max_size=3)}
)
JOBS = st.fixed_dictionaries(
    {"method": methods()},
    optional={
        "suffix": WORDS,
        "seed": st.integers(0, 2**31 - 1),
        "metadata": st.dictionaries(WORDS, st.text(max_size=20), max_size=3),
        "integrations": st.lists(WANDB.map(lambda wandb: {"type": "wandb", "wandb": wandb}), max_size=3),
        "triggers": st.lists(st.integers() | WORDS, max_size=3),
        "delete_model_on_destroy": st.booleans(),
        "recreate_on_failure": st.booleans(),
        "cancel_after_timeout": st.integers(60, 10**6),
    },
)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "filename": WORDS.map(lambda name: f"{name}.jsonl"),
        "purpose": st.sampled_from(["fine-tune", "batch", "user_data", "evals"]),
        "expires_after": st.integers(3600, 2592000).map(
            lambda time: {"anchor": "created_at", "seconds": time}
        ),
    },
)
PROJECTS = st.lists(
    st.text(string.ascii_letters + string.digits, min_size=1, max_size=9).map("proj_x{}".format),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize(
    "kind", [FileProvider, FineTuningJobProvider, FineTuningCheckpointPermissionProvider]
)
@given(data=st.data(), more=st.dictionaries(NAMES | st.text(), ARBITRARY, max_size=2))
@settings(bounded, max_examples=30)
def test_check_never_raises(
    configure: Configure, kind: type[Provider], data: st.DataObject, more: dict[str, Any]
) -> None:
    news = data.draw(
        st.fixed_dictionaries({}, optional=dict.fromkeys(kind.inputs_model.model_fields, ARBITRARY))
    )

    result = configure(kind).check({}, {**news, **more})

    assert all(failure.reason for failure in result.failures)


@pytest.mark.parametrize(
    "path", ["\0", "a" * 5000, "/dev/null/data.jsonl"], ids=["null", "long", "below a file"]
)
def test_check_never_raises_for_invalid_paths(configure: Configure, path: str) -> None:
    (failure,) = configure(FileProvider).check({}, {"file": path}).failures

    assert failure.reason.startswith("file: ")


def assert_converges(provider: Provider, inputs: dict[str, Any]) -> None:
    """Assert that after `up` and `refresh` a preview shows no changes, and another refresh changes no outputs."""
    created = provider.create(as_stored(inputs))
    read = provider.read(created.id, as_stored(created.outs))
    again = provider.read(created.id, as_stored(read.outs))

    diff = provider.diff(created.id, as_stored(read.outs), as_stored(inputs))

    assert (diff.changes, diff.replaces) == (False, [])
    assert as_stored(again.outs) == as_stored(read.outs)


@given(inputs=FILES, content=st.binary(min_size=1, max_size=50))
@bounded
def test_a_created_file_matches_its_inputs(
    configure: Configure, tmp_path: Path, inputs: dict[str, Any], content: bytes
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)

    assert_converges(configure(FileProvider), {"__identity": "o::s::p::File::f", "file": str(path), **inputs})


@pytest.mark.parametrize(
    "name", ['a "good" one.jsonl', "two\nlines.jsonl", "back\\slash.jsonl", "über.jsonl"]
)
def test_a_filename_is_unchanged_or_rejected(configure: Configure, training_data: Path, name: str) -> None:
    """The form would change such a name, so that every preview would show a difference."""
    provider, inputs = configure(FileProvider), {"file": str(training_data), "filename": name}

    if not provider.check({}, inputs).failures:
        assert_converges(provider, inputs)


@pytest.fixture
def data_for(configure: Configure, tmp_path: Path) -> Callable[[str], str]:
    """Return a function that uploads a valid file for a method and returns its id."""
    rows = {
        "supervised": {"messages": [_message("user"), _message("assistant")]},
        "dpo": {
            "input": {"messages": [_message("user")]},
            "preferred_output": [_message("assistant")],
            "non_preferred_output": [_message("assistant", "No.")],
        },
        "reinforcement": {"messages": [_message("user")], "answer": "Yes."},
    }
    ids: dict[str, str] = {}

    def get(kind: str) -> str:
        path = tmp_path / f"{kind}.jsonl"
        path.write_text(f"{json.dumps(rows[kind])}\n" * 12)
        return ids.setdefault(kind, configure(FileProvider).create({"file": str(path)}).id)

    return get


def _message(role: str, content: str = "Yes.") -> dict[str, str]:
    return {"role": role, "content": content}


@pytest.mark.usefixtures("_every_method")
@given(inputs=JOBS)
@bounded
def test_a_created_job_matches_its_inputs(
    configure: Configure, data_for: Callable[[str], str], inputs: dict[str, Any]
) -> None:
    kind = inputs["method"]["type"]
    file = data_for(kind)
    data = (
        {"training_file": file, "validation_file": file}
        if kind == "reinforcement"
        else {"training_file": file}
    )

    assert_converges(configure(FineTuningJobProvider), {"model": MODELS[kind], **data, **inputs})


@pytest.fixture
def checkpoint(configure: Configure, data_for: Callable[[str], str]) -> str:
    job = configure(FineTuningJobProvider).create(
        {"model": MODELS["supervised"], "training_file": data_for("supervised")}
    )
    name: str = (job.outs or {})["fine_tuned_model"]
    return name


@given(projects=PROJECTS)
@bounded
def test_created_permissions_match_their_inputs(
    configure: Configure, checkpoint: str, projects: list[str]
) -> None:
    provider = configure(FineTuningCheckpointPermissionProvider)

    assert_converges(provider, {"checkpoint_id": checkpoint, "project_ids": projects})


SERVICE_JOBS = st.builds(
    Job,
    id=st.text("abc", min_size=1).map("ftjob-{}".format),
    status=st.text() | st.sampled_from(["succeeded", "failed", "pausing", "moderating"]),
    model=st.text(),
    seed=st.none() | st.integers(),
    metadata=st.none() | st.dictionaries(st.text(), st.text(), max_size=3),
    method=st.none() | methods(),
    hyperparameters=st.none() | st.dictionaries(st.text(), st.integers(), max_size=3),
    integrations=st.none() | st.just([]) | st.lists(st.dictionaries(st.text(), st.text()), max_size=2),
    training_file=st.none() | st.text(),
    user_provided_suffix=st.none() | st.text(),
)


@given(job=SERVICE_JOBS, inputs=JOBS)
@settings(bounded, max_examples=25)
def test_reading_the_same_job_twice_gives_equal_outputs(job: Job, inputs: dict[str, Any]) -> None:
    once = _job_outputs.outputs(job, inputs)

    assert _job_outputs.outputs(job, once) == once


KEYS = st.text([chr(code) for code in range(ord("!"), ord("~") + 1)], min_size=12, max_size=60)
ERROR_FIELDS = ("message", "code", "param", "type")


@st.composite
def error_responses(draw: st.DrawFn, key: str) -> httpx.Response:
    """Return a response with the key in any of its parts."""
    before, after = draw(st.text(max_size=20)), draw(st.text(max_size=20))
    text = f"{before}{key}{after}"
    body = {"error": dict.fromkeys(draw(st.sets(st.sampled_from(ERROR_FIELDS))), text)}
    shapes = [
        json.dumps(body),
        json.dumps({"detail": text}),
        json.dumps(text),
        text,
        f"<html>{text}</html>",
    ]
    status = draw(st.sampled_from([200, 307, 400, 401, 403, 404, 408, 429, 500, 503]))
    headers = {"x-request-id": key, "location": f"https://{key}/", "content-type": key}
    return httpx.Response(status, content=draw(st.sampled_from(shapes)).encode(), headers=headers)


@given(data=st.data(), key=KEYS, admin=st.booleans())
@settings(bounded, max_examples=25)
def test_no_error_contains_a_key(data: st.DataObject, key: str, *, admin: bool) -> None:
    response = data.draw(error_responses(key))
    secret_settings = Settings(
        api_key=None if admin else key,
        admin_key=key if admin else None,
        base_url="http://127.0.0.1:1/v1",
        max_retries=0,
    )
    http = Session(
        secret_settings,
        admin=admin,
        transport=httpx.MockTransport(lambda _: response),
        time=FakeClock(WALL).time,
    )

    try:
        http.request("GET", "/files", read=_reject)
    except RequestError as error:
        texts = [str(error), repr(error), *map(str, vars(error).values()), *map(str, error.args)]
        assert not [text for text in texts if key in text]
    finally:
        http.close()


def _reject(_decoded: Any) -> None:
    raise ValueError("unexpected response")

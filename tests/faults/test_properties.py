"""What holds for all inputs, not only for those that somebody thought of."""

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

# inputs that are anything
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
JUNK = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner, max_size=4),
    max_leaves=12,
)

# inputs that fit
WORDS = st.text(string.ascii_letters + string.digits + " -_", min_size=1, max_size=20).filter(str.strip)
AUTO = st.just("auto")
OF_ALL = {
    "n_epochs": AUTO | st.integers(1, 50),
    "batch_size": AUTO | st.integers(1, 256),
    "learning_rate_multiplier": AUTO | st.floats(0.001, 100),
}
OF_METHOD: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "supervised": OF_ALL,
    "dpo": {**OF_ALL, "beta": AUTO | st.floats(0.001, 2)},
    "reinforcement": {
        **OF_ALL,
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
    kind = draw(st.sampled_from(sorted(OF_METHOD)))
    block: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {}, optional={"hyperparameters": st.fixed_dictionaries({}, optional=OF_METHOD[kind])}
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
@given(data=st.data(), more=st.dictionaries(NAMES | st.text(), JUNK, max_size=2))
@settings(bounded, max_examples=30)
def test_check_never_raises(
    configure: Configure, kind: type[Provider], data: st.DataObject, more: dict[str, Any]
) -> None:
    news = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(kind.inputs_model.model_fields, JUNK)))

    result = configure(kind).check({}, {**news, **more})

    assert all(failure.reason for failure in result.failures)


@pytest.mark.parametrize(
    "path", ["\0", "a" * 5000, "/dev/null/data.jsonl"], ids=["null", "long", "below a file"]
)
def test_check_never_raises_for_paths_that_no_system_has(configure: Configure, path: str) -> None:
    (failure,) = configure(FileProvider).check({}, {"file": path}).failures

    assert failure.reason.startswith("file: ")


def assert_settled(provider: Provider, asked: dict[str, Any]) -> None:
    """After `up` and `refresh`, a preview shows no change, and another refresh finds nothing new."""
    created = provider.create(as_stored(asked))
    read = provider.read(created.id, as_stored(created.outs))
    again = provider.read(created.id, as_stored(read.outs))

    diff = provider.diff(created.id, as_stored(read.outs), as_stored(asked))

    assert (diff.changes, diff.replaces) == (False, [])
    assert as_stored(again.outs) == as_stored(read.outs)


@given(asked=FILES, content=st.binary(min_size=1, max_size=50))
@bounded
def test_a_created_file_matches_its_inputs(
    configure: Configure, tmp_path: Path, asked: dict[str, Any], content: bytes
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)

    assert_settled(configure(FileProvider), {"__identity": "o::s::p::File::f", "file": str(path), **asked})


@pytest.mark.parametrize(
    "name", ['a "good" one.jsonl', "two\nlines.jsonl", "back\\slash.jsonl", "über.jsonl"]
)
def test_a_filename_is_kept_or_refused(configure: Configure, training_data: Path, name: str) -> None:
    """A name that the form cannot carry as it is would be another one at every look."""
    provider, asked = configure(FileProvider), {"file": str(training_data), "filename": name}

    if not provider.check({}, asked).failures:
        assert_settled(provider, asked)


@pytest.fixture
def data_for(configure: Configure, tmp_path: Path) -> Callable[[str], str]:
    """Gives the id of a file that suits a method."""
    rows = {
        "supervised": {"messages": [_says("user"), _says("assistant")]},
        "dpo": {
            "input": {"messages": [_says("user")]},
            "preferred_output": [_says("assistant")],
            "non_preferred_output": [_says("assistant", "No.")],
        },
        "reinforcement": {"messages": [_says("user")], "answer": "Yes."},
    }
    known: dict[str, str] = {}

    def get(kind: str) -> str:
        path = tmp_path / f"{kind}.jsonl"
        path.write_text(f"{json.dumps(rows[kind])}\n" * 12)
        return known.setdefault(kind, configure(FileProvider).create({"file": str(path)}).id)

    return get


def _says(role: str, content: str = "Yes.") -> dict[str, str]:
    return {"role": role, "content": content}


@pytest.mark.usefixtures("_every_method")
@given(asked=JOBS)
@bounded
def test_a_created_job_matches_its_inputs(
    configure: Configure, data_for: Callable[[str], str], asked: dict[str, Any]
) -> None:
    kind = asked["method"]["type"]
    file = data_for(kind)
    data = (
        {"training_file": file, "validation_file": file}
        if kind == "reinforcement"
        else {"training_file": file}
    )

    assert_settled(configure(FineTuningJobProvider), {"model": MODELS[kind], **data, **asked})


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

    assert_settled(provider, {"checkpoint_id": checkpoint, "project_ids": projects})


SERVICE_JOBS = st.builds(
    Job,
    id=st.text(),
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


@given(job=SERVICE_JOBS, asked=JOBS)
@settings(bounded, max_examples=25)
def test_reading_the_same_job_twice_gives_equal_outputs(job: Job, asked: dict[str, Any]) -> None:
    once = _job_outputs.outputs(job, asked)

    assert _job_outputs.outputs(job, once) == once


KEYS = st.text([chr(code) for code in range(ord("!"), ord("~") + 1)], min_size=12, max_size=60)
PLACES = ("message", "code", "param", "type")


@st.composite
def answers(draw: st.DrawFn, key: str) -> httpx.Response:
    """An error that holds the key wherever a service can put one."""
    before, after = draw(st.text(max_size=20)), draw(st.text(max_size=20))
    holds = f"{before}{key}{after}"
    body = {"error": dict.fromkeys(draw(st.sets(st.sampled_from(PLACES))), holds)}
    shapes = [
        json.dumps(body),
        json.dumps({"detail": holds}),
        json.dumps(holds),
        holds,
        f"<html>{holds}</html>",
    ]
    status = draw(st.sampled_from([200, 307, 400, 401, 403, 404, 408, 429, 500, 503]))
    headers = {"x-request-id": key, "location": f"https://{key}/", "content-type": key}
    return httpx.Response(status, content=draw(st.sampled_from(shapes)).encode(), headers=headers)


@given(data=st.data(), key=KEYS, admin=st.booleans())
@settings(bounded, max_examples=25)
def test_no_error_holds_a_key(data: st.DataObject, key: str, *, admin: bool) -> None:
    answer = data.draw(answers(key))
    known = Settings(
        api_key=None if admin else key,
        admin_key=key if admin else None,
        base_url="http://127.0.0.1:1/v1",
        max_retries=0,
    )
    http = Session(
        known, admin=admin, transport=httpx.MockTransport(lambda _: answer), time=FakeClock(WALL).time
    )

    try:
        http.request("GET", "/files", read=_refuse)
    except RequestError as error:
        shown = [str(error), repr(error), *map(str, vars(error).values()), *map(str, error.args)]
        assert not [text for text in shown if key in text]
    finally:
        http.close()


def _refuse(_decoded: Any) -> None:
    raise ValueError("not what was asked for")

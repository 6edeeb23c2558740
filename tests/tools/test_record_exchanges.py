"""Lists in a recording of any form contain only objects that the run created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.recordings.replay import Replay
from tests.support import API_KEY
from tools.record.exchanges import Recorder
from tools.record.recording import RecordingError, Response

from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

MINE, FOREIGN = {"id": "file-mine"}, {"id": "file-foreign", "filename": "secret.jsonl"}


@pytest.fixture
def replay() -> Iterator[Replay]:
    with Replay() as server:
        yield server


@pytest.fixture
def recorder(replay: Replay) -> Iterator[Recorder]:
    recorder = Recorder(Settings(api_key=API_KEY, base_url=replay.url), "base-model")
    recorder.created.files.add("file-mine")
    recorder.created.jobs.add("ftjob-mine")
    yield recorder
    recorder.close()


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"data": [FOREIGN, MINE, FOREIGN]}, {"data": [MINE]}),
        ([FOREIGN, MINE, FOREIGN], [MINE]),
        ({"result": {"items": [FOREIGN, FOREIGN, MINE]}}, {"result": {"items": [MINE]}}),
        ({"data": [MINE], "others": [{"name": "no id"}, FOREIGN]}, {"data": [MINE], "others": []}),
    ],
    ids=["data", "bare list", "nested", "several lists"],
)
@pytest.mark.parametrize(
    "path", ["/files", "/fine_tuning/jobs", "/models", "/fine_tuning/checkpoints/x/permissions"]
)
def test_foreign_elements_are_removed(
    replay: Replay, recorder: Recorder, path: str, body: Any, kept: Any
) -> None:
    replay.response = Response(200, body=body)

    response = recorder.send("list", "GET", path)

    assert response.body == kept
    assert response.left_out == 2


@pytest.mark.parametrize("path", ["/fine_tuning/jobs/ftjob-mine", "/fine_tuning/jobs/ftjob-mine/events"])
def test_own_job_is_recorded_completely(replay: Replay, recorder: Recorder, path: str) -> None:
    body = {"integrations": [{"type": "wandb"}], "data": [{"id": "ftevent-1"}]}
    replay.response = Response(200, body=body)

    assert recorder.send("read", "GET", path).body == body


def test_only_the_base_model_is_recorded(replay: Replay, recorder: Recorder) -> None:
    base = {"id": "base-model"}
    replay.response = Response(200, body={"data": [{"id": "our-deployment"}, base]})

    assert recorder.send("list models", "GET", "/models").body == {"data": [base]}


def test_headers_of_the_owner_are_remembered_not_recorded(replay: Replay, recorder: Recorder) -> None:
    replay.response = Response(200, {"openai-organization": "acme", "x-request-id": "req_1"}, body={})

    assert recorder.send("read", "GET", "/models/base-model").headers == {"x-request-id": "req_1"}
    assert recorder.owners == {"acme": "organization"}


def test_unreachable_service_is_one_message() -> None:
    recorder = Recorder(Settings(api_key=API_KEY, base_url="http://127.0.0.1:9/v1"), "base-model")

    with pytest.raises(RecordingError, match=r"no response to GET /models: .*nothing was saved"):
        recorder.send("list models", "GET", "/models")
    recorder.close()

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import API_KEY, write_training_data

from pulumi_openai_ft._job.search import PAGE, TOKEN_KEY, JobSearch
from pulumi_openai_ft._service.api import Api
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import NotFoundError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pulumi_openai_ft._service.objects import Job
    from pulumi_openai_ft.emulator import Emulator

MANY = 20
LIST = "GET /v1/fine_tuning/jobs"


@pytest.fixture
def api(service: Emulator) -> Iterator[Api]:
    api = Api(Settings(api_key=API_KEY, base_url=service.url, operation_timeout=2.0))
    yield api
    api.close()


@pytest.fixture
def buy(api: Api, tmp_path: Path) -> Callable[[str], Job]:
    with write_training_data(tmp_path / "training.jsonl").open("rb") as content:
        file = api.upload_file("training.jsonl", content, purpose="fine-tune")
    body = {"model": "gpt-4.1-mini-2025-04-14", "training_file": file.id}
    return lambda token: api.create_job({**body, "metadata": {TOKEN_KEY: token}})


def at_once(search: Callable[[int], Any]) -> list[Any]:
    """What comes of as many searches that begin together."""
    barrier = Barrier(MANY)

    def begin(number: int) -> Any:
        barrier.wait()
        return search(number)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(begin, range(MANY)))


def lists(service: Emulator) -> list[str]:
    return [entry.query for entry in service.journal(method="GET", path="/v1/fine_tuning/jobs")]


def test_whoever_searches_alone_asks_for_the_token_alone(
    api: Api, buy: Callable[[str], Job], service: Emulator
) -> None:
    job, search = buy("a"), JobSearch(api)

    assert [found.id for found in search.find_before_buying("a")] == [job.id]
    assert search.find_before_buying("b") == []
    assert [found.id for found in search.find_bought_with(job, "a")] == [job.id]
    assert len(lists(service)) == 3
    assert all(TOKEN_KEY in query for query in lists(service))


def test_many_at_a_time_share_a_list(api: Api, buy: Callable[[str], Job], service: Emulator) -> None:
    jobs, search = [buy(f"token-{number}") for number in range(MANY)], JobSearch(api)

    before = at_once(lambda number: search.find_before_buying(f"token-{number}"))
    bought = at_once(lambda number: search.find_bought_with(jobs[number], f"token-{number}"))

    assert [[job.id for job in found] for found in before] == [[job.id] for job in jobs]
    assert [[job.id for job in found] for found in bought] == [[job.id] for job in jobs]
    assert len(lists(service)) < MANY / 2


def test_who_has_bought_is_shown_what_was_bought_until_then(api: Api, buy: Callable[[str], Job]) -> None:
    search = JobSearch(api)

    def bought(number: int) -> tuple[str, list[str]]:
        job = buy(f"token-{number}")
        return job.id, [found.id for found in search.find_bought_with(job, f"token-{number}")]

    assert all(found == [job] for job, found in at_once(bought))


def test_beyond_what_a_list_shows_each_asks_for_its_own(api: Api, buy: Callable[[str], Job]) -> None:
    jobs = [buy(f"token-{number}") for number in range(PAGE + 1)]
    search = JobSearch(api)

    first = at_once(lambda number: search.find_before_buying(f"token-{number}"))
    assert [[job.id for job in found] for found in first] == [[job.id] for job in jobs[:MANY]]
    bought = at_once(lambda number: search.find_bought_with(jobs[number], f"token-{number}"))
    assert [[job.id for job in found] for found in bought] == [[job.id] for job in jobs[:MANY]]


def test_a_failure_is_shared_too(api: Api, service: Emulator) -> None:
    service.fault("GET", "/fine_tuning/jobs", "status", times=None, status=404)
    search = JobSearch(api)

    def failure(number: int) -> RequestError | None:
        try:
            search.find_before_buying(f"token-{number}")
        except NotFoundError as error:
            return error
        return None

    assert all(at_once(failure))
    assert len(lists(service)) < MANY / 2

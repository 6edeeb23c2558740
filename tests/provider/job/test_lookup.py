from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_clock import FakeClock
from tests.support import API_KEY, write_training_data

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._provider.job.idempotency import JobKeys
from pulumi_openai_ft._provider.job.lookup import PAGE, JobLookup, _Listing
from pulumi_openai_ft._provider.job.manager import JobManager
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.state_names import TOKEN_KEY
from pulumi_openai_ft.errors import NotFoundError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft.emulator import Emulator

MANY = 20


@pytest.fixture
def api(slow_service: Emulator) -> Iterator[Client]:
    api = Client(Settings(api_key=API_KEY, base_url=slow_service.url, timeout=2.0))
    yield api
    api.close()


@pytest.fixture
def make_job(api: Client, tmp_path: Path) -> Callable[[str], Job]:
    with write_training_data(tmp_path / "training.jsonl").open("rb") as content:
        file = api.upload_file("training.jsonl", content, purpose="fine-tune")
    body = {"model": "gpt-4.1-mini-2025-04-14", "training_file": file.id}
    return lambda token: api.create_job({**body, "metadata": {TOKEN_KEY: token}})


def search_concurrently(search: Callable[[int], Any]) -> list[Any]:
    """Run many searches that begin at the same time, and return their results."""
    barrier = Barrier(MANY)

    def begin(number: int) -> Any:
        barrier.wait()
        return search(number)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(begin, range(MANY)))


def keys_of(token: str) -> JobKeys:
    return JobKeys(own=token, former=(), content=f"content of {token}", resource=f"resource of {token}")


def lists(slow_service: Emulator) -> list[str]:
    return [entry.query for entry in slow_service.journal(method="GET", path="/v1/fine_tuning/jobs")]


def test_a_single_lookup_queries_only_its_key(
    api: Client, make_job: Callable[[str], Job], slow_service: Emulator
) -> None:
    job, search = make_job("a"), JobLookup(api)

    assert [found.id for found in search.find_before_create("a")] == [job.id]
    assert search.find_before_create("b") == []
    assert [found.id for found in search.find_created_with(job, "a")] == [job.id]
    assert len(lists(slow_service)) == 3
    assert all(TOKEN_KEY in query for query in lists(slow_service))


def test_concurrent_lookups_share_a_list(
    api: Client, make_job: Callable[[str], Job], slow_service: Emulator
) -> None:
    search = JobLookup(api)

    before = search_concurrently(lambda number: search.find_before_create(f"token-{number}"))
    jobs = [make_job(f"token-{number}") for number in range(MANY)]
    created = search_concurrently(lambda number: search.find_created_with(jobs[number], f"token-{number}"))

    assert before == [[]] * MANY
    assert [[job.id for job in found] for found in created] == [[job.id] for job in jobs]
    assert len(lists(slow_service)) < MANY / 2


def test_a_list_from_before_a_create_is_not_used(api: Client, make_job: Callable[[str], Job]) -> None:
    search, job = JobLookup(api), make_job("a")
    with search._counting_callers():
        assert [found.id for found in search.find_created_with(job, "a")] == [job.id]
        duplicate = make_job("a")

        assert [found.id for found in search.find_created_with(duplicate, "a")] == [duplicate.id, job.id]


def test_an_empty_list_is_trusted_only_briefly(api: Client, make_job: Callable[[str], Job]) -> None:
    time = FakeClock()
    search = JobLookup(api, time.time)
    with search._counting_callers():
        assert search.find_before_create("a") == []
        job = make_job("a")
        time.now += 0.9
        assert search.find_before_create("a") == []
        time.now += 0.2

        assert [found.id for found in search.find_before_create("a")] == [job.id]


@pytest.mark.parametrize(("oldest", "is_certain"), [(99, True), (100, False)])
def test_a_partial_list_must_reach_back(
    make_job: Callable[[str], Job],
    oldest: int,
    is_certain: bool,  # noqa: FBT001 - a table
) -> None:
    """A create request may take long, so its job may be older than the response."""
    job = make_job("a").model_copy(update={"created_at": oldest})

    assert _Listing(began=0.0, jobs=[job], is_complete=False).reaches(1000) is is_certain


def test_the_status_of_a_found_job_is_read_again(api: Client, make_job: Callable[[str], Job]) -> None:
    """A resource that is replaced cancels its job right before it searches for a job to adopt."""
    job, search = make_job("a"), JobLookup(api, FakeClock().time)
    with search._counting_callers():
        assert search.find_before_create("b") == []
        api.cancel_job(job.id)

        (found,) = search.find_before_create("a")

    assert found.status == "cancelled"


def test_of_concurrent_creates_each_second_one_is_cancelled(
    api: Client, make_job: Callable[[str], Job], slow_service: Emulator
) -> None:
    """After a `kill -9`, the requests of the orphan can act after the next `up` has searched."""
    file = make_job("any").training_file
    inputs = {"model": "gpt-4.1-mini-2025-04-14", "training_file": file}
    tokens, orphan, next_up = [f"token-{number}" for number in range(MANY)], JobManager(api), JobManager(api)
    first = [orphan._create(keys_of(token), inputs, set()) for token in tokens]
    second = [next_up._create(keys_of(token), inputs, set()) for token in tokens]

    resolved = search_concurrently(lambda number: next_up.resolve_duplicate(second[number]))

    assert [job.id for job in resolved] == [job.id for job in first]
    assert [api.job(job.id).status for job in second] == ["cancelled"] * MANY
    assert sum(job["status"] != "cancelled" for job in slow_service.jobs()) == MANY + 1


def test_a_creator_sees_all_jobs_created_until_then(api: Client, make_job: Callable[[str], Job]) -> None:
    search = JobLookup(api)

    def created(number: int) -> tuple[str, list[str]]:
        job = make_job(f"token-{number}")
        return job.id, [found.id for found in search.find_created_with(job, f"token-{number}")]

    assert all(found == [job] for job, found in search_concurrently(created))


def test_beyond_the_list_limit_each_queries_its_own_key(api: Client, make_job: Callable[[str], Job]) -> None:
    jobs = [make_job(f"token-{number}") for number in range(PAGE + 1)]
    search = JobLookup(api)

    first = search_concurrently(lambda number: search.find_before_create(f"token-{number}"))
    assert [[job.id for job in found] for found in first] == [[job.id] for job in jobs[:MANY]]
    created = search_concurrently(lambda number: search.find_created_with(jobs[number], f"token-{number}"))
    assert [[job.id for job in found] for found in created] == [[job.id] for job in jobs[:MANY]]


def test_a_failure_is_shared_and_not_remembered(api: Client, slow_service: Emulator) -> None:
    slow_service.fault("GET", "/fine_tuning/jobs", "status", times=None, status=404)
    search = JobLookup(api)

    def failure(number: int) -> RequestError | None:
        try:
            search.find_before_create(f"token-{number}")
        except NotFoundError as error:
            return error
        return None

    assert all(search_concurrently(failure))
    assert len(lists(slow_service)) < MANY / 2

    slow_service.clear_faults()
    assert not search._before.is_long

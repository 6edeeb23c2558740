from __future__ import annotations

from benchmarks.suite.polling import LISTING, intervals

from pulumi_openai_ft.emulator import JournalEntry


def entry(query: str, route: str = LISTING) -> JournalEntry:
    return JournalEntry(1, 0.0, "GET", route, query, "req_1", route=route)


FIRST_PAGE, SECOND_PAGE = entry("limit=100"), entry("limit=100&after=ftjob-100")
SEARCH = entry("metadata%5Bpulumi_openai_ft_token%5D=0&limit=100")
EVENTS = entry("limit=100", f"{LISTING}/{{job_id}}/events")


def test_an_interval_runs_between_first_pages_of_the_jobs() -> None:
    poll = [FIRST_PAGE, SECOND_PAGE, EVENTS, EVENTS]

    assert intervals([EVENTS, *poll, *poll, FIRST_PAGE, EVENTS]) == [4, 4]


def test_a_lookup_starts_no_interval_but_counts() -> None:
    assert intervals([FIRST_PAGE, SEARCH, EVENTS, FIRST_PAGE]) == [3]


def test_without_two_polls_there_is_no_interval() -> None:
    assert intervals([FIRST_PAGE, EVENTS]) == []

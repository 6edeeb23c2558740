"""The features of the stock host that a provider can use."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from pulumi.dynamic import CreateResult

from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._shared.clock import REAL_TIME
from pulumi_openai_ft.errors import IncompleteResourceError, InputError, JobFailedError

if TYPE_CHECKING:
    from pulumi_openai_ft.errors import OpenAIFTError

CREATED = CreateResult("ftjob-1", {"status": "running"})


def test_messages_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Host().info("created job ftjob-1")
    Host().warn("it will be shut down")

    out, err = capsys.readouterr()
    assert (out, err) == ("", "created job ftjob-1\nit will be shut down\n")


def test_progress_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Host().set_status("step 3/9")

    assert capsys.readouterr() == ("", "")
    assert not Host.shows_progress


def test_messages_survive_a_closed_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host may outlive its engine, which read the other end."""
    reading, writing = os.pipe()
    os.close(reading)
    closed = os.fdopen(writing, "w", buffering=1)
    monkeypatch.setattr(sys, "stderr", closed)

    Host().info("hello")

    with pytest.raises(BrokenPipeError):
        closed.close()


def test_time_is_real() -> None:
    assert Host().time is REAL_TIME


def test_it_never_reports_an_interruption() -> None:
    Host().raise_if_interrupted()


def test_a_create_returns_the_completed_result() -> None:
    done = CreateResult("ftjob-1", {"status": "succeeded"})

    assert Host().complete_create(CREATED, lambda: done) is done


@pytest.mark.parametrize(
    ("error", "outs"),
    [
        (IncompleteResourceError("it is still running", {"status": "paused"}), {"status": "paused"}),
        (JobFailedError("it failed", {"status": "failed"}), {"status": "failed"}),
        (InputError("it is wrong"), {"status": "running"}),
    ],
    ids=["unfinished", "failed", "something else"],
)
def test_an_error_after_creation_is_reported_with_id_recorded(
    error: OpenAIFTError, outs: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> CreateResult:
        raise error

    found = Host().complete_create(CREATED, fail)

    assert (found.id, found.outs) == ("ftjob-1", outs)
    assert capsys.readouterr().err == f"{error}\n"


def test_a_bug_is_not_reported_as_a_failure() -> None:
    def fail() -> CreateResult:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Host().complete_create(CREATED, fail)

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pulumi_openai_ft._shared.clock import REAL_TIME, TODAY_VARIABLE, is_date_set, today
from pulumi_openai_ft.errors import SettingsError


@pytest.mark.parametrize("value", ["", None])
def test_the_day_is_the_real_one_in_utc(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv(TODAY_VARIABLE)
    if value is not None:
        monkeypatch.setenv(TODAY_VARIABLE, value)

    before = datetime.now(UTC).date()
    assert before <= today() <= datetime.now(UTC).date()
    assert not is_date_set()


def test_the_environment_sets_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TODAY_VARIABLE, "2027-03-01")

    assert today() == REAL_TIME.today() == date(2027, 3, 1)
    assert is_date_set()


def test_a_wrong_day_is_an_error_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TODAY_VARIABLE, "in March")

    with pytest.raises(SettingsError, match=r"^OPENAI_FT_TODAY in the environment is 'in March': set a date"):
        today()

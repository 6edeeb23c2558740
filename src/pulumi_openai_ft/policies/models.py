"""Rules on the model of a job: whether it can be trained, and for how long it will be there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._provider.job.validation import load_catalog
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.state_names import JOB_TYPE
from pulumi_openai_ft.errors import SettingsError
from pulumi_openai_ft.policies._rule import Limits, Rule
from pulumi_openai_ft.policies._schema import DATE, text, texts, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft._service_profiles import Profile
    from pulumi_openai_ft.catalog import Catalog, ModelEntry
    from pulumi_openai_ft.policies._checked_resource import CheckedResource

_ELSEWHERE = "train at another service by openai-ft:baseUrl and openai-ft:service"
_READS = ("model", "method")


@dataclass(frozen=True)
class _Model:
    """The model of a job, as the catalogue of its service knows it."""

    name: str
    shown: str
    method: str
    catalog: Catalog
    entry: ModelEntry | None
    today: date

    @classmethod
    def of(cls, job: CheckedResource) -> Self | None:
        """None where there is nothing to judge: the provider itself refuses a configuration that is malformed."""
        name, method = job.props.get("model"), job.props.get("method")
        kind = method.get("type") if isinstance(method, dict) else "supervised"
        try:
            settings = job.settings()
            catalog = _catalog(settings.profile, settings.catalog)
        except SettingsError:
            return None
        if not isinstance(name, str):
            return None
        return cls(name, job.redacted_repr("model", name), str(kind), catalog, catalog.find(name), job.today)

    @property
    def service(self) -> str:
        return self.catalog.service.title if self.catalog.service else "the service"

    def matches(self, pattern: str) -> bool:
        """Whether a list names it: by id, alias or pattern, of itself or of the model that it was trained from."""
        if self.entry and self.catalog.get(pattern) is self.entry:
            return True
        return any(
            fnmatchcase(name, pattern) for name in (self.name, self.entry.id if self.entry else self.name)
        )

    def others(self, allowed: list[str]) -> str:
        """What to write instead."""
        found = [
            entry.id
            for entry in self.catalog.models()
            if self.method in entry.methods
            and not entry.is_shut_down(self.today)
            and (not allowed or any(entry.id == name or self.catalog.get(name) is entry for name in allowed))
        ]
        return f"write {' or '.join(found)}, or {_ELSEWHERE}" if found else _ELSEWHERE


@lru_cache(maxsize=8)
def _catalog(profile: Profile, overrides: str | None) -> Catalog:
    return load_catalog(Settings(profile=profile, catalog=overrides))


def _supported(job: CheckedResource, limits: Limits) -> Iterator[str]:
    model = _Model.of(job)
    if model is None:
        return
    if any(map(model.matches, limits["deny"])):
        yield f"model: {model.shown} is on this rule's deny list: {model.others(limits['allow'])}"
    if limits["allow"] and not any(map(model.matches, limits["allow"])):
        yield f"model: {model.shown} is not on this rule's allow list: write one of {', '.join(limits['allow'])}"
    if model.entry:
        yield from _impossible(model, model.entry, limits)


def _impossible(model: _Model, entry: ModelEntry, limits: Limits) -> Iterator[str]:
    """What is confirmed: nothing is refused because of a date or a method that is not."""
    ending = entry.facts.shutdown_date
    if ending and ending.confirmed and entry.is_shut_down(model.today):
        yield (
            f"model: {model.shown}: {model.service} shut it down on {ending.value} ({ending}): "
            f"{model.others(limits['allow'])}"
        )
    elif entry.is_known_unsupported(model.method):
        ways = " or ".join(sorted(entry.methods))
        instead = f"set method.type to {ways}, or " if ways else ""
        yield (
            f"model: {model.shown}: {model.service} does not train it by {model.method} ({entry.facts.methods}): "
            f"{instead}{model.others(limits['allow'])}"
        )


def _known(job: CheckedResource, _limits: Limits) -> Iterator[str]:
    model = _Model.of(job)
    if model is None or model.catalog.service is None:
        return
    if model.entry is None:
        yield (
            f"model: {model.shown}: the catalogue has no such model of {model.service}: check the spelling, or "
            f"describe it in openai-ft:catalog"
        )
        return
    ending = model.entry.facts.shutdown_date
    if ending and not ending.confirmed and model.entry.is_shut_down(model.today):
        yield (
            f"model: {model.shown}: {model.service} is said to have shut it down on {ending.value} ({ending}): look "
            f"it up, and correct it in openai-ft:catalog if it is not so"
        )


def _near_shutdown(job: CheckedResource, limits: Limits) -> Iterator[str]:
    model = _Model.of(job)
    ending = model.entry.facts.shutdown_date if model and model.entry else None
    if (
        model is None
        or ending is None
        or not 0 < (left := (ending.value - model.today).days) <= limits["days"]
    ):
        return
    yield (
        f"model: {model.shown}: {model.service} shuts it and what is trained from it down on {ending.value}, in {left} "
        f"day{'' if left == 1 else 's'} ({ending}): choose a model that stays longer, or {_ELSEWHERE}"
    )


def _too_late(job: CheckedResource, limits: Limits) -> Iterator[str]:
    model = _Model.of(job)
    closing = model.catalog.no_new_jobs_from(model.entry) if model else None
    day = _day(limits["date"]) or (closing.value if closing else None)
    if model is None or day is None or model.today < day:
        return
    source = "this rule's configuration" if limits["date"] else str(closing)
    yield (
        f"model: {model.shown}: no new job may be created from {day} on ({source}): take the job out of the program, "
        f"name it under `exempt` if it exists already, or {_ELSEWHERE}"
    )


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


SUPPORTED_MODEL = Rule(
    name="fine-tuning-supported-model",
    description="Jobs train a model that the service can train, and that the team allows.",
    level=EnforcementLevel.MANDATORY,
    reason="the service refuses such a job, after the data was uploaded",
    kinds=(JOB_TYPE,),
    properties=_READS,
    options={
        "allow": texts(
            "Models that may be trained: ids, aliases or patterns such as gpt-4.1*; none allows all."
        ),
        "deny": texts("Models that may not be trained: ids, aliases or patterns."),
    },
    judge=_supported,
)

KNOWN_MODEL = Rule(
    name="fine-tuning-known-model",
    description="Jobs train a model that the catalogue knows.",
    level=EnforcementLevel.ADVISORY,
    reason="the catalogue may be older than the model",
    kinds=(JOB_TYPE,),
    properties=_READS,
    judge=_known,
)

MODEL_NEAR_SHUTDOWN = Rule(
    name="fine-tuning-model-near-shutdown",
    description="Jobs train a model that will still be there for some time.",
    level=EnforcementLevel.ADVISORY,
    reason="the model works until then; whether that is long enough only its users know",
    kinds=(JOB_TYPE,),
    properties=_READS[:1],
    options={"days": whole_number(60, "How many days before its shutdown a model is near it.")},
    judge=_near_shutdown,
)

NO_NEW_JOBS_AFTER = Rule(
    name="fine-tuning-no-new-jobs-after",
    description="No jobs are created once the service, or the team, takes no new ones.",
    level=EnforcementLevel.ADVISORY,
    reason="a policy cannot tell a new job from one that exists, and the service refuses new ones at no cost",
    kinds=(JOB_TYPE,),
    properties=_READS[:1],
    options={
        "date": text(
            "", "First day without new jobs, such as 2027-01-06; by default the catalogue's.", form=DATE
        )
    },
    judge=_too_late,
)

"""Rules for the base model of a job: fine-tuning support and shutdown date."""

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

_ELSEWHERE = "use another service with openai-ft:baseUrl and openai-ft:service"
_PROPERTIES = ("model", "method")


@dataclass(frozen=True)
class _Model:
    """The base model of a job, with its catalog entry."""

    name: str
    shown: str
    method: str
    catalog: Catalog
    entry: ModelEntry | None
    today: date

    @classmethod
    def of(cls, job: CheckedResource) -> Self | None:
        """Return the model of a job, or None if the model is unknown or the settings are invalid.

        The provider itself reports invalid settings.
        """
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
        """Return whether an id, alias or pattern matches the model or its base model."""
        if self.entry and self.catalog.get(pattern) is self.entry:
            return True
        return any(
            fnmatchcase(name, pattern) for name in (self.name, self.entry.id if self.entry else self.name)
        )

    def others(self, allowed: list[str]) -> str:
        """Return the alternatives, for a message."""
        found = [
            entry.id
            for entry in self.catalog.models()
            if self.method in entry.methods
            and not entry.is_shut_down(self.today)
            and (not allowed or any(entry.id == name or self.catalog.get(name) is entry for name in allowed))
        ]
        return f"choose {' or '.join(found)}, or {_ELSEWHERE}" if found else _ELSEWHERE


@lru_cache(maxsize=8)
def _catalog(profile: Profile, overrides: str | None) -> Catalog:
    return load_catalog(Settings(profile=profile, catalog=overrides))


def _supported(job: CheckedResource, limits: Limits) -> Iterator[str]:
    model = _Model.of(job)
    if model is None:
        return
    if any(map(model.matches, limits["deny"])):
        yield f"model: {model.shown} is in `deny` of this rule: {model.others(limits['allow'])}"
    if limits["allow"] and not any(map(model.matches, limits["allow"])):
        yield f"model: {model.shown} is not in `allow` of this rule: must be one of {', '.join(limits['allow'])}"
    if model.entry:
        yield from _impossible(model, model.entry, limits)


def _impossible(model: _Model, entry: ModelEntry, limits: Limits) -> Iterator[str]:
    """Yield the violations by confirmed facts. Unconfirmed dates and methods never block a job."""
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
            f"model: {model.shown}: {model.service} does not support {model.method} for it ({entry.facts.methods}): "
            f"{instead}{model.others(limits['allow'])}"
        )


def _known(job: CheckedResource, _limits: Limits) -> Iterator[str]:
    model = _Model.of(job)
    if model is None or model.catalog.service is None:
        return
    if model.entry is None:
        yield (
            f"model: {model.shown}: not in the catalog of {model.service} models: check the spelling, or "
            f"describe the model in openai-ft:catalog"
        )
        return
    ending = model.entry.facts.shutdown_date
    if ending and not ending.confirmed and model.entry.is_shut_down(model.today):
        yield (
            f"model: {model.shown}: {model.service} may have shut it down on {ending.value} ({ending}): "
            f"check the date, and correct it in openai-ft:catalog if necessary"
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
        f"model: {model.shown}: {model.service} will shut down this model and its fine-tuned models on {ending.value}, "
        f"in {left} day{'' if left == 1 else 's'} ({ending}): choose a model with a later shutdown date, or {_ELSEWHERE}"
    )


def _too_late(job: CheckedResource, limits: Limits) -> Iterator[str]:
    model = _Model.of(job)
    closing = model.catalog.no_new_jobs_from(model.entry) if model else None
    day = _day(limits["date"]) or (closing.value if closing else None)
    if model is None or day is None or model.today < day:
        return
    source = "this rule's configuration" if limits["date"] else str(closing)
    yield (
        f"model: {model.shown}: new jobs are not allowed from {day} on ({source}): remove the job from the program, "
        f"add an existing job to `exempt`, or {_ELSEWHERE}"
    )


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


SUPPORTED_MODEL = Rule(
    name="fine-tuning-supported-model",
    description="Jobs use a base model that the service supports and that you allow.",
    level=EnforcementLevel.MANDATORY,
    reason="the service rejects such jobs, after the files are uploaded",
    kinds=(JOB_TYPE,),
    properties=_PROPERTIES,
    options={
        "allow": texts(
            "Allowed models: ids, aliases or patterns such as gpt-4.1*; an empty list allows all."
        ),
        "deny": texts("Disallowed models: ids, aliases or patterns."),
    },
    judge=_supported,
)

KNOWN_MODEL = Rule(
    name="fine-tuning-known-model",
    description="Jobs use a base model that is in the catalog.",
    level=EnforcementLevel.ADVISORY,
    reason="the catalog may be older than the model",
    kinds=(JOB_TYPE,),
    properties=_PROPERTIES,
    judge=_known,
)

MODEL_NEAR_SHUTDOWN = Rule(
    name="fine-tuning-model-near-shutdown",
    description="Jobs use a base model that will not be shut down soon.",
    level=EnforcementLevel.ADVISORY,
    reason="the model works until its shutdown, which may be long enough for you",
    kinds=(JOB_TYPE,),
    properties=_PROPERTIES[:1],
    options={
        "days": whole_number(60, "Number of days before a shutdown from which the rule reports the model.")
    },
    judge=_near_shutdown,
)

NO_NEW_JOBS_AFTER = Rule(
    name="fine-tuning-no-new-jobs-after",
    description="No jobs are created after the service, or your configuration, ends new jobs.",
    level=EnforcementLevel.ADVISORY,
    reason="a policy cannot distinguish new jobs from existing jobs, and rejected jobs cost nothing",
    kinds=(JOB_TYPE,),
    properties=_PROPERTIES[:1],
    options={
        "date": text(
            "", "First date without new jobs, such as 2027-01-06; by default from the catalog.", form=DATE
        )
    },
    judge=_too_late,
)

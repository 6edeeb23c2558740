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
from pulumi_openai_ft._shared.suggestions import closest
from pulumi_openai_ft.catalog import base_model
from pulumi_openai_ft.errors import SettingsError
from pulumi_openai_ft.policies._rule import Limits, Rule
from pulumi_openai_ft.policies._schema import DATE, switch, text, texts, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft._service_profiles import Profile
    from pulumi_openai_ft.catalog import Catalog, ModelEntry
    from pulumi_openai_ft.policies._checked_resource import CheckedResource

_ELSEWHERE = "use another service with openai-ft:baseUrl and openai-ft:service"
_MISSING_CATALOG = (
    "openai-ft:catalog does not list the models of your service: on its machine, run `openai-ft serve catalog`, and "
    "set the output with `pulumi config set openai-ft:catalog`"
)
_PROPERTIES = ("model", "method")
_WILDCARDS = frozenset("*?[")


@dataclass(frozen=True)
class _Model:
    """The base model of a job, with its catalog entry.

    Attributes:
        is_listed_completely: Whether the catalog contains all models that the service can fine-tune.
        lacks_catalog: Whether only the service knows its models, and the configuration does not list them. A policy
            sends no request.
    """

    name: str
    shown: str
    method: str
    catalog: Catalog
    entry: ModelEntry | None
    today: date
    is_listed_completely: bool
    lacks_catalog: bool

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
        shown, entry = job.redacted_repr("model", name), catalog.find(name)
        lacks_catalog = settings.profile.describes_models and settings.catalog is None
        return cls(name, shown, str(kind), catalog, entry, job.today, settings.is_openai, lacks_catalog)

    @property
    def service(self) -> str:
        return self.catalog.service.title if self.catalog.service else "the service"

    def matches(self, pattern: str) -> bool:
        """Return whether an id, alias or pattern matches the model or its base model."""
        if self.entry and self.catalog.get(pattern) is self.entry:
            return True
        names = (self.name, self.entry.id if self.entry else base_model(self.name))
        return any(fnmatchcase(name, pattern) for name in names)

    def others(self, allowed: list[str]) -> str:
        """Return the alternatives, for a message."""
        found = [entry.id for entry in self._alternatives(allowed)]
        return f"choose {' or '.join(found)}, or {_ELSEWHERE}" if found else _ELSEWHERE

    def correction(self, allowed: list[str]) -> str:
        """Return the most similar name of an alternative as a question, or else all alternatives."""
        names = [name for entry in self._alternatives(allowed) for name in (entry.id, *entry.aliases)]
        is_secret = self.shown != repr(self.name)  # a similar name would reveal it
        similar = None if is_secret else closest(base_model(self.name), names)
        return f"did you mean {similar!r}? Otherwise" if similar else f"{self.others(allowed)}; otherwise"

    def _alternatives(self, allowed: list[str]) -> list[ModelEntry]:
        return [
            entry
            for entry in self.catalog.models()
            if self.method in entry.methods
            and not entry.is_shut_down(self.today)
            and (not allowed or any(entry.id == name or self.catalog.get(name) is entry for name in allowed))
        ]


@lru_cache(maxsize=8)
def _catalog(profile: Profile, overrides: str | None) -> Catalog:
    return load_catalog(Settings(profile=profile, catalog=overrides))


def _supported(job: CheckedResource, limits: Limits) -> Iterator[str]:
    model = _Model.of(job)
    if model is None:
        return
    unlisted = [*_unlisted(model, limits)]
    yield from unlisted
    if model.entry:
        yield from _impossible(model, model.entry, limits)
    elif not unlisted and (limits["complete"] or model.is_listed_completely):
        yield from _unknown(model, limits)


def _unlisted(model: _Model, limits: Limits) -> Iterator[str]:
    """Yield the violations of the lists `deny` and `allow`."""
    if any(map(model.matches, limits["deny"])):
        yield f"model: {model.shown} is in `deny` of this rule: {model.others(limits['allow'])}"
    if limits["allow"] and not any(map(model.matches, limits["allow"])):
        yield f"model: {model.shown} is not in `allow` of this rule: must be one of {', '.join(limits['allow'])}"


def _unknown(model: _Model, limits: Limits) -> Iterator[str]:
    """Yield a violation if a list names the model neither in full in `allow` nor in any form in `also_known`."""
    in_full = [name for name in limits["allow"] if _WILDCARDS.isdisjoint(name)]
    if any(map(model.matches, [*limits["also_known"], *in_full])):
        return
    if model.lacks_catalog:
        yield f"model: {model.shown}: cannot be checked: {_MISSING_CATALOG}"
        return
    yield (
        f"model: {model.shown}: not in the catalog of {model.service}'s models: {model.correction(limits['allow'])} "
        f"add the model to `also_known` of this rule, describe it in openai-ft:catalog, or add the job to `exempt`"
    )


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
    if model and model.lacks_catalog:
        yield f"model: {model.shown}: cannot be checked: {_MISSING_CATALOG}"
        return
    if model is None or model.catalog.service is None:
        return
    if model.entry is None:
        if model.is_listed_completely:  # SUPPORTED_MODEL checks it
            return
        yield (
            f"model: {model.shown}: not in the catalog of {model.service}'s models: check the spelling, or "
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
        "also_known": texts(
            "Models that are not in the catalog but exist: ids or patterns; other models remain allowed."
        ),
        "complete": switch(
            default=False,
            description="Whether to reject models that are not in the catalog at every base URL, not only OpenAI's.",
        ),
    },
    judge=_supported,
)

KNOWN_MODEL = Rule(
    name="fine-tuning-known-model",
    description="At services other than OpenAI, jobs use a base model that is in the catalog.",
    level=EnforcementLevel.ADVISORY,
    reason="the catalogs of these services may be incomplete",
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

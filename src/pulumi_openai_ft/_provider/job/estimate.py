"""Checks of a job's training file and an estimate of the training cost, before the job is created.

Both read the local file that was uploaded as the training file. They are skipped if its content has changed since the
program computed its hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.input_models import integers_from_floats, is_known, redacted_repr, unknown
from pulumi_openai_ft._provider.job.messages import cost, unestimated_cost_text, unknown_price_text
from pulumi_openai_ft._provider.job.validation import given_hyperparameters, requested_method
from pulumi_openai_ft._provider.training_file_checks import OFF, check, is_error_level, prefixed
from pulumi_openai_ft._shared.api_limits import METHODS
from pulumi_openai_ft._shared.lazy_module import LazyModule
from pulumi_openai_ft._shared.state_names import ESTIMATE, ESTIMATED, FILE_HASHES, TRAINING_DATA
from pulumi_openai_ft.catalog import vision_warning
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_openai_ft._provider.host_interface import Host
    from pulumi_openai_ft._service_profiles import Profile
    from pulumi_openai_ft.catalog import Catalog
    from pulumi_openai_ft.training_data import Problem, Report

JOB_WARNING_KINDS = ("too_long_for_model",)
"""Kinds of problems that depend on the job's model."""
_training_data = LazyModule("training_data")


def data_errors(props: Mapping[str, Any], catalog: Catalog, service: str, host: Host) -> list[str]:
    """Return messages about the reasons why the service would reject the training file for this job."""
    fails_preview = is_error_level(_local(props).get("validate"), service)
    return _job_errors(props, catalog, service, host) if fails_preview else []


def data_warnings(props: Mapping[str, Any], catalog: Catalog, service: str, host: Host) -> list[str]:
    """Return the warnings about the training file for this job."""
    if _local(props).get("validate") == OFF:
        return []
    found = _report(props, catalog, service, host)
    of_model = [problem for problem in found.problems if problem.kind in JOB_WARNING_KINDS] if found else []
    without_vision = vision_warning(catalog, str(props.get("model"))) if found and found.image_rows else None
    of_images = [f"model: {without_vision.brief()}"] if without_vision else []
    return [*_job_errors(props, catalog, service, host), *_first_of_kinds(of_model, props), *of_images]


def estimate(
    props: Mapping[str, Any], catalog: Catalog, profile: Profile, host: Host
) -> dict[str, Any] | None:
    """Estimate the training: trained tokens, epochs, cost in USD, and the date of the price.

    Args:
        props: All properties of the job.
        catalog: The catalog of base models.
        profile: The profile of the service.
        host: The host, which displays the progress of reading the file.

    Returns:
        The estimate, or None if the method, the number of epochs or the file's tokens are not known. It is also None
        for reinforcement, which is billed by time.
    """
    if not is_known(requested_method(props)):
        return None
    epochs = integers_from_floats(given_hyperparameters(props)[1].get("n_epochs") or "auto")
    if epochs == "auto" and not profile.supports("auto"):
        return None
    if _method(props) == "reinforcement" or not isinstance(epochs, int | str):
        return None
    if epochs == "auto":
        epochs = profile.auto_epochs or epochs
    if (found := _report(props, catalog, profile.name, host)) is None:
        return None
    entry = catalog.find(str(props.get("model")))
    price = entry.training_price if entry else None
    likely = _training_data.estimate(
        examples=found.examples,
        tokens=found.tokens,
        epochs=epochs,
        usd_per_million=price.value if price else None,
    )
    dated = str(price.as_of) if price and price.as_of else None
    usd = None if likely.usd is None else round(likely.usd, 6)
    return {"tokens": likely.tokens, "epochs": likely.epochs, "usd": usd, "price_as_of": dated}


def estimated(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return the estimated outputs of a new job. They are unknown while the inputs of the estimate are unknown."""
    found = integers_from_floats(props.get(ESTIMATE))
    if isinstance(found, dict):
        return dict(zip(ESTIMATED, (found["tokens"], found.get("usd")), strict=True))
    estimate_inputs = ("model", "method", "extra_body", TRAINING_DATA, FILE_HASHES["training_file"])
    missing = None if is_known([props.get(name) for name in estimate_inputs]) else unknown()
    return dict.fromkeys(ESTIMATED, missing)


def likely_cost(props: Mapping[str, Any], catalog: Catalog, profile: Profile) -> str:
    """Return the estimated cost of a new job as text, or the reason why it is not known."""
    found = integers_from_floats(props.get(ESTIMATE))
    if isinstance(found, dict) and found.get("usd") is not None:
        return cost(found["usd"])
    if isinstance(found, dict) or not profile.bills_training:
        return no_price(props, catalog, profile)
    return unestimated_cost_text(_method(props))


def no_price(props: Mapping[str, Any], catalog: Catalog, profile: Profile) -> str:
    """Return the text that replaces the price of a job whose model has none."""
    service = catalog.service.title if catalog.service else profile.name
    return unknown_price_text(profile, str(props.get("model")), service)


def _job_errors(props: Mapping[str, Any], catalog: Catalog, service: str, host: Host) -> list[str]:
    """Return the first error of each kind that the file has for this job, because of its method or its use.

    Errors that the file has regardless of the job are those of the `File`, which reports them.
    """
    found = _report(props, catalog, service, host)
    if found is None:
        return []
    path, severity = _local(props)["file"], _training_data.Severity.ERROR
    by_itself = set(check(path, host, service=service, sha256=found.sha256).problems)
    errors = [problem for problem in found.problems if problem.severity is severity]
    return _first_of_kinds([problem for problem in errors if problem not in by_itself], props)


def _first_of_kinds(problems: Iterable[Problem], props: Mapping[str, Any]) -> list[str]:
    """Return a message about the first problem of each kind."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.kind, problem)
    messages = [str(problem) for problem in first.values()]
    return prefixed("training_file", redacted_repr(props, TRAINING_DATA, _local(props).get("file")), messages)


def _report(props: Mapping[str, Any], catalog: Catalog, service: str, host: Host) -> Report | None:
    """Return the report on the local file for the job's method and model, or None if it cannot be checked."""
    path, sha256 = _local(props).get("file"), props.get(FILE_HASHES["training_file"])
    method, model = _method(props), props.get("model")
    if not (isinstance(path, str) and isinstance(sha256, str) and isinstance(model, str)):
        return None
    if method not in METHODS:
        return None
    entry = catalog.find(model)
    try:
        found = check(
            path,
            host,
            method=method,
            part="training",
            model=entry.id if entry else model,
            context_length=entry.context_length if entry else None,
            service=service,
            sha256=sha256,
        )
    except InputError:
        return None
    return found if found.sha256 == sha256 else None


def _method(props: Mapping[str, Any]) -> Any:
    method = requested_method(props)
    return METHODS[0] if method is None else method.get("type") if isinstance(method, dict) else None


def _local(props: Mapping[str, Any]) -> Mapping[str, Any]:
    found = props.get(TRAINING_DATA)
    return found if isinstance(found, dict) else {}

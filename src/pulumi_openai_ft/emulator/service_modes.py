"""Differences of other services that implement the same API, as data. Source: docs/openai-api.md#other-services."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

EVERYTHING = frozenset({"*"})
MODEL_FORM = "ft:{base}:{organization}:{suffix}:{tail}"


@dataclass(frozen=True)
class Mode:
    """How one kind of service differs from OpenAI's.

    Attributes:
        service: Service of the catalog whose base models it has. A gateway passes requests on to OpenAI.
        key_header: Header that carries the key; `authorization` carries it as a bearer token.
        required_query: Query parameter that every request must have.
        absent: Globs of routes that there are not.
        absent_status: How a request for one of them is answered, in a form that is not the API's.
        absent_page: Whether that answer is a page of a proxy instead of JSON.
        model_form: Name of a fine-tuned model; see `names.model_name` for what can stand in it.
        checkpoint_prefix: How ids of checkpoints begin.
        statuses: Words of its own for states of a job.
        keeps_metadata: Whether a job's metadata is kept and shown.
        filters_by_metadata: Whether the list of jobs knows the filter; if not, it shows all.
        knows_tuned_models: Whether models that were made here can be seen among the models.
        body_fields: Fields of a new job that are taken beyond the API's; `*` takes any.
        takes_any_hyperparameter: Whether unknown ones are taken, and shown again.
        own_hyperparameters: Those that the service sets, whatever was asked for.
        answer_fields: What a job shows beyond the API's object.
    """

    service: str = "openai"
    key_header: str = "authorization"
    required_query: str | None = None
    absent: tuple[str, ...] = ()
    absent_status: int = 404
    absent_page: bool = False
    model_form: str = MODEL_FORM
    checkpoint_prefix: str = "ftckpt_"
    statuses: Mapping[str, str] = field(default_factory=dict)
    keeps_metadata: bool = True
    filters_by_metadata: bool = True
    knows_tuned_models: bool = True
    body_fields: frozenset[str] = frozenset()
    takes_any_hyperparameter: bool = False
    own_hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    answer_fields: Mapping[str, Any] = field(default_factory=dict)

    def has(self, route: str) -> bool:
        """Whether there is this route."""
        return not any(fnmatchcase(route, pattern) for pattern in self.absent)

    def takes(self, name: str, known: Collection[str]) -> bool:
        """Whether a field of a new job is taken and ignored although it is none of the API's."""
        return name not in known and ("*" in self.body_fields or name in self.body_fields)


_GATEWAY_ABSENT = (
    "/v1/uploads*",
    "/v1/fine_tuning/jobs/*/events",
    "/v1/fine_tuning/jobs/*/checkpoints",
    "/v1/fine_tuning/jobs/*/pause",
    "/v1/fine_tuning/jobs/*/resume",
    "/v1/fine_tuning/checkpoints/*",
)
_GATEWAY_ANSWERS = {"_hidden_params": {"custom_llm_provider": "somebody"}, "response_cost": None}

MODES = {
    "openai": Mode(),
    "azure": Mode(
        service="azure",
        key_header="api-key",
        required_query="api-version",
        model_form="{base}.ft-{hex}{dashed_suffix}",
        checkpoint_prefix="ftchkpt-",
        statuses={"validating_files": "pending", "queued": "notRunning"},
        body_fields=frozenset({"trainingType"}),
    ),
    "gateway": Mode(
        absent=(*_GATEWAY_ABSENT, "/v1/models*"),
        filters_by_metadata=False,
        body_fields=EVERYTHING,
        takes_any_hyperparameter=True,
        answer_fields=_GATEWAY_ANSWERS,
    ),
    "gateway-with-models": Mode(
        absent=_GATEWAY_ABSENT,
        absent_status=501,
        filters_by_metadata=False,
        knows_tuned_models=False,
        body_fields=EVERYTHING,
        takes_any_hyperparameter=True,
        answer_fields=_GATEWAY_ANSWERS,
    ),
    "gateway-without-metadata": Mode(
        absent=(*_GATEWAY_ABSENT, "/v1/models*"),
        absent_status=405,
        absent_page=True,
        keeps_metadata=False,
        filters_by_metadata=False,
        body_fields=EVERYTHING,
        takes_any_hyperparameter=True,
        own_hyperparameters={"batch_size": 8},
        answer_fields=_GATEWAY_ANSWERS,
    ),
}
"""By the name that `--mode` takes."""

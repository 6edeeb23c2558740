"""All errors of this package.

OpenAIFTError
├── SettingsError              a setting is missing, malformed or conflicts with another setting
├── InputError                 the inputs of a resource or the arguments of a function are invalid
├── RequestError               a request to the service failed
│   ├── ServiceConnectionError     no response arrived
│   │   └── ServiceTimeoutError        no response arrived in time
│   └── ServiceError               the service returned an error
│       ├── NotFoundError              404
│       ├── AuthenticationError        401 or 403: the key is missing, wrong or not authorized
│       ├── MissingScopeError          401 or 403: the key lacks a scope
│       ├── FineTuningUnavailableError 403: the organization can no longer create jobs
│       ├── RateLimitError             429: too many requests; a retry helps
│       ├── QuotaError                 429: quota or spend limit reached; a retry does not help
│       ├── JobLimitError              429: daily or concurrent job limit reached; a retry does not help
│       ├── ServerError                5xx
│       └── InvalidResponseError       the response does not follow the API
├── EngineDisconnectedError    the engine that started the operation is no longer running
├── CommandInterruptedError    the user interrupted the command
├── IncompleteResourceError    a resource exists, but not as requested
│   └── JobFailedError             a fine-tuning job failed or was cancelled, or its model was deleted
├── DuplicateJobError          another resource has a job with the same training data and inputs
└── JobTimeoutError            a fine-tuning job did not finish before its deadline
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "AuthenticationError",
    "CommandInterruptedError",
    "DuplicateJobError",
    "EngineDisconnectedError",
    "FineTuningUnavailableError",
    "IncompleteResourceError",
    "InputError",
    "InvalidResponseError",
    "JobFailedError",
    "JobLimitError",
    "JobTimeoutError",
    "MissingScopeError",
    "NotFoundError",
    "OpenAIFTError",
    "QuotaError",
    "RateLimitError",
    "RequestError",
    "ServerError",
    "ServiceConnectionError",
    "ServiceError",
    "ServiceTimeoutError",
    "SettingsError",
]


class OpenAIFTError(Exception):
    """Base class of all errors that this package raises deliberately. The message is written for users."""


class SettingsError(OpenAIFTError):
    """A setting is missing, malformed or conflicts with another setting."""


class InputError(OpenAIFTError):
    """The inputs of a resource or the arguments of a function are invalid."""


class RequestError(OpenAIFTError):
    """A request to the service failed.

    Attributes:
        may_have_acted: Whether the request may have taken effect despite the error.
        tries: Number of times that the request was sent.
        history: Summary of the retries, appended to the message; empty after a single attempt.
    """

    may_have_acted: bool = False
    tries: int = 1
    history: str = ""

    def __str__(self) -> str:
        return "; ".join(part for part in (super().__str__(), self.history) if part)


class ServiceConnectionError(RequestError):
    """No response arrived from the service."""

    def __init__(self, message: str, *, may_have_acted: bool) -> None:
        super().__init__(message)
        self.may_have_acted = may_have_acted


class ServiceTimeoutError(ServiceConnectionError):
    """No response arrived from the service in time."""


class ServiceError(RequestError):
    """The service returned an error.

    Attributes:
        status: HTTP status.
        reason: `error.message` of the response, part of the message of this exception; empty if there is none.
        code: `error.code` of the response, an open set of strings.
        param: `error.param` of the response: the request field that caused the error.
        request_id: The `x-request-id` header, for the service's support.
        retry_after: Seconds to wait before the next attempt, if the response has a `retry-after` header.
        should_retry: Value of the `x-should-retry` header, if present.
        is_api_error: Whether the body is the API's error object, so that the service itself responded, and no proxy.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        reason: str = "",
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        may_have_acted: bool | None = None,
        is_api_error: bool = False,
    ) -> None:
        super().__init__(message)
        self.is_api_error = is_api_error
        self.status = status
        self.reason = reason
        self.code = code
        self.param = param
        self.request_id = request_id
        self.retry_after = retry_after
        self.should_retry = should_retry
        if may_have_acted is not None:
            self.may_have_acted = may_have_acted


class NotFoundError(ServiceError):
    """The object does not exist for this key, project and base URL."""


class AuthenticationError(ServiceError):
    """The key is missing, wrong or not authorized."""


class MissingScopeError(ServiceError):
    """The key is valid but lacks a scope or role."""


class FineTuningUnavailableError(ServiceError):
    """The organization can no longer create fine-tuning jobs."""


class RateLimitError(ServiceError):
    """The service received too many requests; a later retry helps."""


class QuotaError(ServiceError):
    """A quota or spend limit is reached. Retrying does not help; paying or raising the limit does."""


class JobLimitError(ServiceError):
    """The organization reached its limit of jobs per day or of active jobs for a model.

    An immediate retry does not help. The daily limit counts the jobs of the last 24 hours.
    """


class ServerError(ServiceError):
    """The service failed while it processed the request."""

    may_have_acted = True


class InvalidResponseError(ServiceError):
    """The response is truncated or does not follow the API, for example an HTML page from a proxy.

    Attributes:
        is_json: Whether the body is complete JSON of another form. Then, a retry does not help. Otherwise, the body may
            be truncated or come from a proxy, and one retry may help.
    """

    may_have_acted = True
    is_json: bool = False


class EngineDisconnectedError(OpenAIFTError):
    """The engine that started the operation is no longer running, so it cannot record the result."""


class CommandInterruptedError(OpenAIFTError):
    """The user interrupted the command with Ctrl-C."""


class IncompleteResourceError(OpenAIFTError):
    """A resource exists, but not as requested.

    Attributes:
        outs: Outputs of the existing resource.
    """

    def __init__(self, message: str, outs: dict[str, Any]) -> None:
        super().__init__(message)
        self.outs = outs


class JobFailedError(IncompleteResourceError):
    """A fine-tuning job failed or was cancelled, or its model was deleted."""


class DuplicateJobError(OpenAIFTError):
    """Another resource has a job with the same training data and inputs, so none was created."""


class JobTimeoutError(OpenAIFTError):
    """A fine-tuning job did not finish before its deadline."""

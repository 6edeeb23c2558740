"""All errors of this package.

OpenAIFTError
├── SettingsError              a setting is missing, malformed or contradicts another
├── InputError                 inputs of a resource or arguments of a function are wrong
├── RequestError               a request to the service failed
│   ├── ServiceConnectionError     no answer came
│   │   └── ServiceTimeoutError        no answer came in time
│   └── ServiceError               the service answered with an error
│       ├── NotFoundError              404
│       ├── AuthenticationError        401 or 403: the key is wrong, missing or not let in
│       ├── MissingScopeError          401 or 403: the key lacks a scope
│       ├── FineTuningUnavailableError 403: the organization can create no new jobs
│       ├── RateLimitError             429: too fast; a retry helps
│       ├── QuotaError                 429: a quota or spend cap; a retry does not help
│       ├── JobLimitError              429: as many jobs as allowed, a day or at a time; a retry does not help
│       ├── ServerError                5xx
│       └── InvalidResponseError       the response is not what the API sends
├── EngineDisconnectedError    the engine that requested something has ended
├── CommandInterruptedError    the user interrupted the command
├── IncompleteResourceError    a resource exists, but not as it was requested
│   └── JobFailedError             a fine-tuning job failed or was cancelled, or its model was deleted
└── JobTimeoutError            a fine-tuning job is not finished when the deadline passes
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "AuthenticationError",
    "CommandInterruptedError",
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
    """Base of every error that this package raises on purpose. Its text is a sentence for people."""


class SettingsError(OpenAIFTError):
    """A setting is missing, malformed or contradicts another."""


class InputError(OpenAIFTError):
    """Inputs of a resource or arguments of a function are wrong."""


class RequestError(OpenAIFTError):
    """A request to the service failed.

    Attributes:
        may_have_acted: Whether the request may have taken effect all the same.
        tries: How often it was sent.
        history: What the tries came to, for the end of the text; empty where one was enough.
    """

    may_have_acted: bool = False
    tries: int = 1
    history: str = ""

    def __str__(self) -> str:
        return "; ".join(part for part in (super().__str__(), self.history) if part)


class ServiceConnectionError(RequestError):
    """No answer came from the service."""

    def __init__(self, message: str, *, may_have_acted: bool) -> None:
        super().__init__(message)
        self.may_have_acted = may_have_acted


class ServiceTimeoutError(ServiceConnectionError):
    """No answer came from the service in time."""


class ServiceError(RequestError):
    """The service answered with an error.

    Attributes:
        status: HTTP status.
        code: `error.code` of the answer, an open set of strings.
        param: `error.param` of the answer: the request's field that is to blame.
        request_id: The `x-request-id` header, for the service's support.
        retry_after: Seconds that the service asks to wait, if it says so.
        should_retry: What the `x-should-retry` header says, if it is there.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        may_have_acted: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
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
    """The key is missing, wrong or not let in."""


class MissingScopeError(ServiceError):
    """The key is good but lacks a scope or role."""


class FineTuningUnavailableError(ServiceError):
    """The organization can create no new fine-tuning jobs."""


class RateLimitError(ServiceError):
    """Too many requests; a later retry helps."""


class QuotaError(ServiceError):
    """A quota or a spend cap is reached; retrying does not help, paying or raising the cap does."""


class JobLimitError(ServiceError):
    """As many jobs were created today, or are active, as the organization may have for a model.

    Retrying at once does not help: the limit of a day counts the last 24 hours.
    """


class ServerError(ServiceError):
    """The service failed while it answered."""

    may_have_acted = True


class InvalidResponseError(ServiceError):
    """The answer is cut short or is not what the API sends, an HTML page of a proxy for example."""

    may_have_acted = True


class EngineDisconnectedError(OpenAIFTError):
    """The engine that asked for something is gone, so nobody would record it."""


class CommandInterruptedError(OpenAIFTError):
    """The user interrupted the command with Ctrl-C."""


class IncompleteResourceError(OpenAIFTError):
    """A resource exists, but not as it was asked for.

    Attributes:
        outs: Its state as it is.
    """

    def __init__(self, message: str, outs: dict[str, Any]) -> None:
        super().__init__(message)
        self.outs = outs


class JobFailedError(IncompleteResourceError):
    """A fine-tuning job failed or was cancelled, or its model was deleted."""


class JobTimeoutError(OpenAIFTError):
    """A fine-tuning job was not finished when the deadline passed."""

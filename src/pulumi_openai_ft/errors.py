"""All errors of this package.

OpenAIFTError
├── SettingsError              a setting is missing, malformed or contradicts another
├── InputError                 inputs of a resource or arguments of a function are wrong
├── ServiceConnectionError     no answer came
│   └── ServiceTimeoutError    no answer came in time
├── ServiceError               the service answered with an error
│   ├── NotFoundError          404
│   ├── AuthenticationError    401: the key is wrong or missing
│   ├── MissingScopeError      401 or 403: the key lacks a scope
│   ├── TrainingClosedError    403: the organization can create no new jobs
│   ├── RateLimitError         429: too fast; a retry helps
│   ├── QuotaError             429: quota, spend cap or job limit; a retry does not help
│   ├── ServerError            5xx
│   └── UnreadableAnswerError  the answer is not what the API sends
├── JobFailedError             a fine-tuning job failed or was cancelled
└── WaitTimedOutError          a fine-tuning job is not finished when the deadline passes
"""

from __future__ import annotations

__all__ = [
    "AuthenticationError",
    "InputError",
    "JobFailedError",
    "MissingScopeError",
    "NotFoundError",
    "OpenAIFTError",
    "QuotaError",
    "RateLimitError",
    "ServerError",
    "ServiceConnectionError",
    "ServiceError",
    "ServiceTimeoutError",
    "SettingsError",
    "TrainingClosedError",
    "UnreadableAnswerError",
    "WaitTimedOutError",
]


class OpenAIFTError(Exception):
    """Base of every error that this package raises on purpose. Its text is a sentence for people."""


class SettingsError(OpenAIFTError):
    """A setting is missing, malformed or contradicts another."""


class InputError(OpenAIFTError):
    """Inputs of a resource or arguments of a function are wrong."""


class ServiceConnectionError(OpenAIFTError):
    """No answer came from the service.

    Attributes:
        may_have_acted: Whether the request may have reached the service and taken effect.
    """

    def __init__(self, message: str, *, may_have_acted: bool) -> None:
        super().__init__(message)
        self.may_have_acted = may_have_acted


class ServiceTimeoutError(ServiceConnectionError):
    """No answer came from the service in time."""


class ServiceError(OpenAIFTError):
    """The service answered with an error.

    Attributes:
        status: HTTP status.
        code: `error.code` of the answer, an open set of strings.
        param: `error.param` of the answer: the request's field that is to blame.
        request_id: The `x-request-id` header, for the service's support.
        retry_after: Seconds that the service asks to wait, if it says so.
        should_retry: What the `x-should-retry` header says, if it is there.
        may_have_acted: Whether the request may have taken effect all the same.
    """

    may_have_acted = False

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
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.request_id = request_id
        self.retry_after = retry_after
        self.should_retry = should_retry


class NotFoundError(ServiceError):
    """The object does not exist for this key, project and base URL."""


class AuthenticationError(ServiceError):
    """The key is missing or wrong."""


class MissingScopeError(ServiceError):
    """The key is good but lacks a scope or role."""


class TrainingClosedError(ServiceError):
    """The organization can create no new fine-tuning jobs."""


class RateLimitError(ServiceError):
    """Too many requests; a later retry helps."""


class QuotaError(ServiceError):
    """A quota, a spend cap or a limit on jobs is reached; retrying does not help."""


class ServerError(ServiceError):
    """The service failed while it answered."""

    may_have_acted = True


class UnreadableAnswerError(ServiceError):
    """The answer is cut short or is not what the API sends, an HTML page of a proxy for example."""

    may_have_acted = True


class JobFailedError(OpenAIFTError):
    """A fine-tuning job failed or was cancelled."""


class WaitTimedOutError(OpenAIFTError):
    """A fine-tuning job was not finished when the deadline passed."""

"""Errors that the API returns, with status and body. Source: docs/openai-api.md#errors."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer that refuses a request, with its HTTP status and, where there are any, extra headers."""

    def __init__(  # the wire form has this many parts
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON body; all four keys are always there."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """A request that can never succeed as it stands: 400."""
    return ApiError(400, message, param=param, code=code)


def no_such_file(file_id: str, *, param: str = "id") -> ApiError:
    """404 for a file that is not there, has expired or belongs to another project."""
    return ApiError(404, f"No such File object: {file_id}", param=param)


def no_such_job(job_id: str) -> ApiError:
    """404 for a job that is not there or belongs to another project."""
    return ApiError(
        404, f"Could not find fine tune: {job_id}", param="fine_tune_id", code="fine_tune_not_found"
    )


def no_such_model(model: str) -> ApiError:
    """404 for a model that is not there or that the project may not use."""
    message = f"The model '{model}' does not exist or you do not have access to it."
    return ApiError(404, message, param="model", code="model_not_found")


def no_such_upload(upload_id: str) -> ApiError:
    """404 for an upload that is not there or belongs to another project."""
    return ApiError(404, f"No such Upload object: {upload_id}", param="upload_id")


def no_such_checkpoint(name: str) -> ApiError:
    """404 for a checkpoint name that no job of this organization has."""
    return ApiError(404, f"No such checkpoint: {name}", param="fine_tuned_model_checkpoint")


def no_such_permission(permission_id: str) -> ApiError:
    """404 for a grant that is not there, or not on the checkpoint of the path."""
    return ApiError(404, f"No such checkpoint permission: {permission_id}", param="permission_id")


def server_error() -> ApiError:
    """500 with the text that the service gives for what it cannot explain."""
    message = "The server had an error while processing your request. Sorry about that!"
    return ApiError(500, message, kind="server_error")

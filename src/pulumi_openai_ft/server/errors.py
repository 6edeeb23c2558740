"""Errors that the API returns, with status and body. Source: docs/openai-api.md#errors."""

from __future__ import annotations

from typing import Any

_INVALID_FILE = {
    "training_file": "invalid training_file",
    "validation_file": "invalid validation_file",
}


class ApiError(Exception):
    """An error response of the API.

    Args:
        status: HTTP status.
        message: `error.message` of the body.
        kind: `error.type` of the body.
        param: `error.param` of the body.
        code: `error.code` of the body.
        headers: Additional headers.
    """

    def __init__(  # one parameter for each part of the response
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
        self.headers: dict[str, str] = headers or {}

    def body(self) -> dict[str, Any]:
        """Return the JSON body, which always has all four keys."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """Return a 400 for an invalid request."""
    return ApiError(400, message, param=param, code=code)


def no_such_file(file_id: str, *, param: str = "id") -> ApiError:
    """Return a 404 for a file that does not exist, has expired or belongs to another project."""
    return ApiError(404, f"No such File object: {file_id}", param=param)


def content_refused(purpose: str) -> ApiError:
    """Return a 400 for the content of a file whose purpose does not allow downloads."""
    return invalid(
        "To help mitigate abuse, downloading of fine-tune training files is disabled for free accounts."
        if purpose == "fine-tune"
        else f"Not allowed to download files of purpose: {purpose}"
    )


def invalid_file(file_id: str, param: str) -> ApiError:
    """Return a 400 for a job's file that does not exist, has expired or belongs to another project."""
    return invalid(f"{_INVALID_FILE[param]}: {file_id}", param)


def no_such_job(job_id: str) -> ApiError:
    """Return a 404 for a job that does not exist or belongs to another project."""
    return ApiError(
        404, f"Could not find fine tune: {job_id}", param="fine_tune_id", code="fine_tune_not_found"
    )


def no_such_model(model: str) -> ApiError:
    """Return a 404 for a model that does not exist or that the project may not use."""
    message = f"The model '{model}' does not exist or you do not have access to it."
    return ApiError(404, message, param="model", code="model_not_found")


def no_such_upload(upload_id: str) -> ApiError:
    """Return a 404 for an upload that does not exist or belongs to another project."""
    return ApiError(404, f"No such Upload object: {upload_id}", param="upload_id")


def no_such_checkpoint(name: str) -> ApiError:
    """Return a 404 for a checkpoint name that no job of this organization has."""
    return ApiError(404, f"No such checkpoint: {name}", param="fine_tuned_model_checkpoint")


def no_such_permission(permission_id: str) -> ApiError:
    """Return a 404 for a permission that does not exist for the checkpoint in the path."""
    return ApiError(404, f"No such checkpoint permission: {permission_id}", param="permission_id")


def server_error() -> ApiError:
    """Return a 500 with the service's message for internal errors."""
    message = "The server had an error while processing your request. Sorry about that!"
    return ApiError(500, message, kind="server_error")

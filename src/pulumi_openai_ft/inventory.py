"""Functions that look up what else the service keeps: files and models. They work as those of `functions` do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_openai_ft._shared.lazy_module import Deferred

if TYPE_CHECKING:
    from pulumi_openai_ft._client.objects import FileObject, Model
    from pulumi_openai_ft._program.functions import call, lookups, models
    from pulumi_openai_ft._program.functions.models import Files, Models
else:
    call, lookups = Deferred("_program.functions.call"), Deferred("_program.functions.lookups")
    models = Deferred("_program.functions.models")

__all__ = [
    "FileObject",
    "Files",
    "Model",
    "Models",
    "get_file",
    "get_file_output",
    "get_files",
    "get_files_output",
    "get_model",
    "get_model_output",
    "get_models",
    "get_models_output",
]

Options = pulumi.InvokeOptions | None


def get_file(file_id: str, *, opts: Options = None) -> FileObject:
    """An uploaded file, without its content.

    Source in the API: `GET /files/{id}`.

    Args:
        file_id: The file, `file-…`.
        opts: Pulumi's options for functions.

    Raises:
        NotFoundError: There is no such file for this key and project.
        OpenAIFTError: The service cannot be asked.
    """
    return call.ask(lookups.FILE, opts, file_id=file_id)


def get_file_output(file_id: pulumi.Input[str], *, opts: Options = None) -> pulumi.Output[FileObject]:
    """Like `get_file`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.FILE, opts, file_id=file_id)


def get_files(*, purpose: str | None = None, limit: int | None = None, opts: Options = None) -> Files:
    """Uploaded files, newest first.

    Source in the API: `GET /files`, as many pages as it takes.

    Args:
        purpose: Only files of this purpose, such as `fine-tune`.
        limit: How many at the most; all by default.
        opts: Pulumi's options for functions.

    Raises:
        InputError: An argument does not fit.
        OpenAIFTError: The service cannot be asked.
    """
    return call.ask(lookups.FILES, opts, purpose=purpose, limit=limit)


def get_files_output(
    *,
    purpose: pulumi.Input[str | None] = None,
    limit: pulumi.Input[int | None] = None,
    opts: Options = None,
) -> pulumi.Output[Files]:
    """Like `get_files`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.FILES, opts, purpose=purpose, limit=limit)


def get_model(model_id: str, *, opts: Options = None) -> Model:
    """A base model or a fine-tuned one, with the day on which it is shut down, where that is announced.

    Source in the API: `GET /models/{id}`.

    Args:
        model_id: The model's name, `ft:…` or that of a base model.
        opts: Pulumi's options for functions.

    Raises:
        InputError: The service does not show its models.
        NotFoundError: There is no such model for this key and project.
        OpenAIFTError: The service cannot be asked.
    """
    return call.ask(lookups.MODEL, opts, model_id=model_id)


def get_model_output(model_id: pulumi.Input[str], *, opts: Options = None) -> pulumi.Output[Model]:
    """Like `get_model`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.MODEL, opts, model_id=model_id)


def get_models(*, owned_by: str | None = None, limit: int | None = None, opts: Options = None) -> Models:
    """The models that the key can use, in the service's order.

    Source in the API: `GET /models`.

    Args:
        owned_by: Only models of this owner: `system`, or an organization.
        limit: How many at the most, of those that fit; all by default.
        opts: Pulumi's options for functions.

    Raises:
        InputError: An argument does not fit, or the service does not show its models.
        OpenAIFTError: The service cannot be asked.
    """
    return call.ask(lookups.MODELS, opts, owned_by=owned_by, limit=limit)


def get_models_output(
    *,
    owned_by: pulumi.Input[str | None] = None,
    limit: pulumi.Input[int | None] = None,
    opts: Options = None,
) -> pulumi.Output[Models]:
    """Like `get_models`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.MODELS, opts, owned_by=owned_by, limit=limit)


def __getattr__(name: str) -> Any:
    """The classes of what functions give. They are pydantic's, so they are loaded when somebody asks for them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(models, name)

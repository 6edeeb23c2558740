"""Access to a hub with huggingface_hub, which reads its settings from the environment when it is imported."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,  # of its HTTP library: also raised if the hub is not reached
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from pulumi_openai_ft.trainer.download.selection import PART, DownloadError, RemoteFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_UNAUTHORIZED, _FORBIDDEN = 401, 403


class Repository:
    """A repository of a hub.

    Args:
        name: Its name, `organization/model`.
        revision: Branch, tag or commit.
        token: Token of an account, or an empty text. Tokens that the hub's own command stored are not used.
    """

    def __init__(self, name: str, revision: str, token: str) -> None:
        self._name = name
        self._revision = revision
        self._token: str | bool = token or False

    def files(self) -> tuple[str, list[RemoteFile]]:
        """Return the commit of the revision, and its files. Raise `DownloadError` if that fails."""
        with self._explained_errors():
            found = HfApi(token=self._token).model_info(
                self._name, revision=self._revision, files_metadata=True
            )
        files = [
            RemoteFile(sibling.rfilename, sibling.size or 0, sibling.lfs.sha256 if sibling.lfs else None)
            for sibling in found.siblings or ()
        ]
        if not _COMMIT.fullmatch(found.sha or ""):
            raise DownloadError(_unknown_form())
        return found.sha, files

    def fetch(self, file: RemoteFile, commit: str, folder: Path) -> None:
        """Download a file, unless the folder contains it. Continue after the last byte of an interrupted download.

        `hf_hub_download` would begin again. Raise `DownloadError` if the download fails.
        """
        target = folder / file.name
        if target.exists():
            return
        part = folder / f"{file.name}{PART}"
        if part.exists() and part.stat().st_size > file.size:
            part.unlink()
        with self._explained_errors():
            self._append(file, commit, part)
        if file.sha256 is not None and _sha256(part) != file.sha256:
            part.unlink()
            raise DownloadError(f"{file.name} of {self._name} arrived damaged: start the download again")
        part.rename(target)

    def _append(self, file: RemoteFile, commit: str, part: Path) -> None:
        url = hf_hub_url(self._name, file.name, revision=commit)
        location = get_hf_file_metadata(url, token=self._token).location
        headers = {**build_hf_headers(token=self._token), "accept-encoding": "identity"}
        if urlsplit(location).netloc != urlsplit(url).netloc:
            headers.pop("authorization", None)  # the hub redirects to storage of another owner
        with part.open("ab") as content:
            http_get(location, content, resume_size=content.tell(), headers=headers, expected_size=file.size)
            content.flush()
            os.fsync(content.fileno())

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        name = self._name
        try:
            yield
        except GatedRepoError as error:
            message = (
                f"{name} is gated: accept its terms on the hub, and set HF_TOKEN to a token of this account"
            )
            raise DownloadError(message) from error
        except RevisionNotFoundError as error:
            raise DownloadError(f"{name} has no revision {self._revision!r}: correct `revision`") from error
        except RepositoryNotFoundError as error:
            message = (
                f"the hub has no model {name}, or HF_TOKEN may not read it: correct `hub`, or set HF_TOKEN"
            )
            raise DownloadError(message) from error
        except HfHubHTTPError as error:
            raise DownloadError(self._status(error.response.status_code)) from error
        except HTTPError as error:
            message = f"the hub {constants.ENDPOINT} cannot be reached: check the network, then start again"
            raise DownloadError(message) from error
        except (KeyError, TypeError, ValueError) as error:
            raise DownloadError(_unknown_form()) from error
        except OSError as error:
            reason = error.strerror or "the connection ended early"
            raise DownloadError(f"{name} cannot be downloaded ({reason}): start again") from error

    def _status(self, status: int) -> str:
        if status == _UNAUTHORIZED:
            return "the hub refuses the token: set HF_TOKEN to a valid one"
        if status == _FORBIDDEN:
            return f"the account of HF_TOKEN may not read {self._name}: use a token of another account"
        return f"the hub responded to the request for {self._name} with status {status}: start again later"


def _unknown_form() -> str:
    return f"the response of {constants.ENDPOINT} is not that of a hub: correct HF_ENDPOINT"


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

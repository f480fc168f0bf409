"""Send files to a repository on the Hugging Face hub. Nothing is sent but by `push_files`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from countcheck.credentials import redact
from countcheck.errors import BadInput, MissingExtra, first_line
from countcheck.interop.hub_files import HubFiles

RepositoryKind: TypeAlias = Literal["model", "dataset"]


def push_files(
    files: HubFiles, repository: str, kind: RepositoryKind, *, message: str, propose: bool, private: bool = True
) -> str:
    """Commit files to a repository, all in one commit, and return the address of the commit or of the pull request.

    The hub's own settings (``HF_TOKEN``, ``HF_ENDPOINT``, a login) say where to and as whom.

    Args:
        files: What to send.
        repository: OWNER/NAME.
        kind: Of the repository. A dataset is made when there is none; a model must be there.
        message: Of the commit.
        propose: Open a pull request in place of a commit to the main branch.
        private: Whether a dataset that is made is private.

    Raises:
        MissingExtra: When huggingface_hub is not installed.
        BadInput: When the hub refuses, or cannot be reached.
    """
    try:
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise MissingExtra("huggingface", feature="sending files to the hub") from error
    import httpx2

    api = HfApi(library_name="countcheck")
    operations = [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(content) if isinstance(content, Path) else content)
        for name, content in files.items()
    ]
    try:
        if kind == "dataset":
            api.create_repo(repository, repo_type=kind, private=private, exist_ok=True)
        commit = api.create_commit(
            repository, operations, commit_message=message, repo_type=kind, create_pr=propose or None
        )
    except HfHubHTTPError as error:
        raise BadInput(
            f"the hub refused {kind} {repository}: {_reason(error)}. {_advice(error.response.status_code)}"
        ) from error
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise BadInput(
            f"{repository} cannot be sent to the hub: {redact(str(error))[:300].rstrip('. ')}. Try again later."
        ) from error
    return str(commit.pr_url if propose and commit.pr_url else commit.commit_url)


def _reason(error: Exception) -> str:
    """The hub's own words, without a trailing point and without keys."""
    said = getattr(error, "server_message", None) or first_line(error)
    return redact(str(said))[:300].rstrip(".")


def _advice(status: int) -> str:
    if status in (401, 403):
        return "Set HF_TOKEN to a token that may write there, or log in with `hf auth login`."
    if status == 404:
        return "Check its name; a model's repository must be there already."
    return "Try again later, or send the files that --dry-run writes by hand."

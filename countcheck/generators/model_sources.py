"""Where the models of local generators come from: folders, files, and repositories of the Hugging Face hub.

A source is written as a path, as a hub id (``organisation/model``), or as a file in a hub repository
(``organisation/model/file.safetensors``). What it contains is recorded: a digest of what is local, the commit of a
repository, and that commit is what is loaded.
"""

from __future__ import annotations

import contextlib
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from countcheck.errors import BadInput, BadWeights, GeneratorClosed, first_line
from countcheck.resources import content_digest, exists, printable_path, shipped

COMMIT = "commit:"
"""What a recorded commit begins with."""
_WEIGHTS = (".safetensors", ".gguf")
# Files of these kinds may run code when they are loaded.
_PICKLES = (".ckpt", ".bin", ".pt", ".pth", ".pkl")
_SHA = re.compile(r"[0-9a-f]{40}")


def find_source(source: str, *, index: str, what: str) -> str:
    """Return the folder or file of a model that ships or is named, or else the source itself: of the hub.

    Args:
        source: As the user wrote it.
        index: The file that a model's folder has: ``model_index.json``.
        what: What such a folder is, in words, for the error: ``diffusers``.

    Raises:
        BadInput: If it is a folder without a model in it, or neither a folder, a file nor of the hub.
        BadWeights: If it is a file that may run code when it is loaded.
    """
    if source.lower().endswith(_PICKLES):
        raise BadWeights(
            f"{source} may run code when it is loaded. Name a .safetensors file, or convert it to one where you trust it."
        )
    for place in (Path(source), shipped("models") / source):
        if exists(place / index):
            return str(place)
    if is_weights_file(source) and (exists(Path(source)) or is_hub_file(source)):
        return source
    if exists(Path(source)):
        raise BadInput(f"{source} is no {what} folder: there is no {index} in it. Name one that has it.")
    if not is_hub_id(source):
        raise BadInput(f"no model folder at {source!r}, and it is no hub id (organisation/model). Check the path.")
    return source


def is_weights_file(source: str) -> bool:
    """Tell whether a source is written as one file of weights.

    >>> is_weights_file("models/pigs.safetensors"), is_weights_file("organisation/model")
    (True, False)
    """
    return source.lower().endswith(_WEIGHTS)


def is_hub_id(source: str) -> bool:
    """Tell whether a text can be a hub id: organisation/model.

    >>> is_hub_id("organisation/model"), is_hub_id("./model"), is_hub_id("organisation/model/file.gguf")
    (True, False, False)
    """
    return source.count("/") == 1 and not source.startswith((".", "/", "~")) and "\\" not in source


def is_hub_file(source: str) -> bool:
    """Tell whether a text can be a file in a hub repository: organisation/model/file.

    >>> is_hub_file("organisation/model/file.gguf"), is_hub_file("organisation/model")
    (True, False)
    """
    return source.count("/") > 1 and not source.startswith((".", "/", "~")) and "\\" not in source


def repository_of(source: str) -> tuple[str, str]:
    """Split a file or folder in a hub repository into the repository's id and the rest.

    >>> repository_of("organisation/model/unet/file.safetensors")
    ('organisation/model', 'unet/file.safetensors')
    """
    organisation, _, rest = source.partition("/")
    model, _, rest = rest.partition("/")
    return f"{organisation}/{model}", rest


def sources_content(sources: Iterable[tuple[str, str, str]], name: str) -> dict[str, str]:
    """Return what sources contain: a digest of a local file or folder, the commit of a hub repository.

    A repository whose commit cannot be told, because the hub is out of reach and nothing of it is cached, is left out.

    Args:
        sources: Of each: how it is called in the record, the source as `find_source` returns it, and the revision that
            was asked for.
        name: The generator's, for the error.

    Raises:
        BadInput: If a local file cannot be read.
    """
    content = {}
    for place, source, revision in sources:
        try:
            if source and exists(Path(source)):
                content[printable_path(place)] = content_digest(Path(source))
            elif source and (commit := hub_commit(source, revision)):
                content[place] = f"{COMMIT}{commit}"
        except OSError as error:
            raise BadInput(f"{name}: {source} cannot be read ({error.strerror or error}).") from error
    return content


def hub_commit(source: str, revision: str) -> str:
    """Return the commit that a hub source stands for now: as the hub says, else as the cache on this machine has it."""
    from huggingface_hub import HfApi, constants

    if not is_hub_id(source) and not is_hub_file(source):
        return ""
    repository, _ = repository_of(source)
    with contextlib.suppress(Exception):  # out of reach, unknown, not allowed: loading says which
        return str(HfApi().model_info(repository, revision=revision or None, timeout=10).sha or "")
    if _SHA.fullmatch(revision):
        return revision
    folder = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    with contextlib.suppress(OSError, ValueError):
        return (folder / "refs" / (revision or "main")).read_text(encoding="utf-8").strip()
    return ""


def revision_of(source: str, content: Mapping[str, str], asked: str = "") -> str | None:
    """Return the revision at which a hub source is loaded: the recorded commit, else what was asked for.

    >>> revision_of("a/b", {"a/b": "commit:123"}), revision_of("a/b", {}, "v1"), revision_of("a/b", {})
    ('123', 'v1', None)
    """
    recorded = content.get(source, "")
    if recorded.startswith(COMMIT):
        return recorded.removeprefix(COMMIT)
    return asked if asked and not asked.startswith("sha256:") else None


def local_file(source: str, revision: str | None, name: str) -> str:
    """Return the path of a file of weights; one in a hub repository is fetched first.

    Args:
        source: A path, or organisation/model/file.
        revision: Of the repository; ``None`` for its newest.
        name: The generator's, for the error.

    Raises:
        GeneratorClosed: If the hub does not give it.
    """
    if exists(Path(source)):
        return source
    from huggingface_hub import hf_hub_download

    repository, file = repository_of(source)
    try:
        return str(hf_hub_download(repository, file, revision=revision))
    except Exception as error:
        raise hub_error(source, name, error) from error


def hub_error(source: str, name: str, error: Exception) -> GeneratorClosed:
    """Return the error for a source that the hub does not give, with what to do."""
    reason = hub_refusal(source, error) or (
        f"{source} could not be loaded ({first_line(error)}). If the hub is out of reach, name a local folder instead."
    )
    return GeneratorClosed(f"{name}: {reason}")


def hub_refusal(source: str, error: Exception) -> str:
    """Say why the hub does not give a source, and what to do; an empty text for an error that is no answer of the hub."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "GatedRepoError" in kinds:
        return f"{source} is gated. Accept its licence on the hub and log in there."
    if kinds & {"RepositoryNotFoundError", "RevisionNotFoundError", "RemoteEntryNotFoundError"}:
        return f"the hub knows no {source!r} at that revision. Check the id."
    return ""


def folder_error(folder: str | Path, name: str, error: Exception) -> BadInput | BadWeights:
    """Return the error for a local folder that a library cannot load: its weights are damaged, or what the library says."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "SafetensorError" in kinds or "safetensors" in str(error).lower() or isinstance(error, RuntimeError):
        return BadWeights(f"{name}: the weights in {folder} cannot be loaded ({first_line(error)}). Fetch them again.")
    return BadInput(f"{name}: {folder} cannot be loaded ({first_line(error)}).")


@contextlib.contextmanager
def without_loading_bars() -> Iterator[None]:
    """Hide the libraries' progress bars while a model loads, since the run shows its own."""
    libraries = [sys.modules[name] for name in ("diffusers", "transformers") if name in sys.modules]
    logs = [library.utils.logging for library in libraries]
    enabled = [log for log in logs if log.is_progress_bar_enabled()]
    for log in enabled:
        log.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # An old option that diffusers still gives the hub's client.
            warnings.filterwarnings("ignore", message=".*local_dir_use_symlinks")
            yield
    finally:
        for log in enabled:
            log.enable_progress_bar()

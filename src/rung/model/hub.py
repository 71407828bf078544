"""Repositories of the Hugging Face hub: only the files that a model needs, through `huggingface_hub` and its cache.

What the cache has whole is used as it is and nobody is asked; `rung fetch` asks again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import CheckpointError, FetchError, PickleRefused, near
from .catalog import SHORT_NAMES
from .checkpoint_reader import INDEX, PICKLES, WHOLE, find_family, read_config, read_index, weight_files

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SMALL = (
    "config.json", INDEX, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "generation_config.json",
)  # fmt: skip
"""Everything that is read beside the weights."""


class Repository(NamedTuple):
    """ORG/NAME on the hub, at a branch, tag or commit; `file` is a GGUF in it."""

    name: str
    revision: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return self.name + (f"/{self.file}" if self.file else "") + (f"@{self.revision}" if self.revision else "")


def parse(name: str, revision: str | None) -> Repository | None:
    """The repository that "ORG/NAME" or "ORG/NAME/FILE.gguf" means; None if it is written as neither."""
    found = re.fullmatch(r"([\w-][\w.-]*/[\w-][\w.-]*?)(?:/(.+\.gguf))?", name, re.ASCII)
    return None if found is None else Repository(found[1], revision, found[2])


def cached(repository: Repository) -> Path | None:
    """The folder, or GGUF, that the hub's cache has whole; asks nobody."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    wanted = repository.file or "config.json"
    try:
        found = try_to_load_from_cache(repository.name, wanted, revision=repository.revision)
    except HFValidationError:
        return None
    if not isinstance(found, str):
        return None
    if repository.file:
        return Path(found)
    try:
        weight_files(Path(found).parent)
    except CheckpointError:
        return None
    return Path(found).parent


def download(repository: Repository) -> Path:
    """The folder, or GGUF, in the hub's cache, up to date. Raises FetchError, PickleRefused, or what the config is
    refused for, before a weight is downloaded.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    with _told(repository):
        listed = {
            item.rfilename for item in api.model_info(repository.name, revision=repository.revision).siblings or ()
        }
    if repository.file is not None:
        if repository.file not in listed:
            raise FetchError(f"{repository.name} has no {repository.file}.{near(repository.file, listed)}")
        return _get(api, repository, {repository.file}) / repository.file
    if "config.json" not in listed or not any(name in listed for name in (WHOLE, INDEX)):
        raise _unfit(repository, listed)
    folder = _get(api, repository, listed & set(SMALL))
    find_family(read_config(folder))
    weights = {WHOLE} if WHOLE in listed else set(read_index(folder / INDEX))
    if weights - listed:
        raise FetchError(f"{repository} has an index that names {min(weights - listed)}, and no such file")
    return _get(api, repository, weights)


def download_tokenizer(repository: Repository) -> Path:
    """The folder in the hub's cache with the repository's tokenizer, without its weights. Raises FetchError."""
    from huggingface_hub import HfApi

    folder = _get(HfApi(), repository, set(SMALL) - {INDEX} | set(_OTHER_VOCABULARIES))
    if not any(folder.glob(name) for name in ("tokenizer*", "vocab*")):
        raise FetchError(f"{repository} holds no tokenizer")
    return folder


_OTHER_VOCABULARIES = ("tokenizer.model", "vocab.json", "merges.txt")


def downloaded() -> list[str]:
    """ORG/NAME of every repository that the hub's cache has whole."""
    from huggingface_hub import constants

    names = [path.name[8:].replace("--", "/", 1) for path in Path(constants.HF_HUB_CACHE).glob("models--*--*")]
    return sorted(name for name in names if cached(Repository(name)) is not None)


def _get(api: HfApi, repository: Repository, files: Collection[str]) -> Path:
    with _told(repository):
        return Path(api.snapshot_download(repository.name, revision=repository.revision, allow_patterns=sorted(files)))


def _unfit(repository: Repository, listed: Collection[str]) -> CheckpointError:
    """What to say of a repository without config.json and safetensors."""
    ggufs = sorted(name for name in listed if name.endswith(".gguf"))
    if ggufs:
        more = f" and {len(ggufs) - 3} more" if len(ggufs) > 3 else ""
        said = ", ".join(f"{repository.name}/{name}" for name in ggufs[:3])
        return FetchError(f"{repository} holds GGUF files; name the one that is meant: {said}{more}")
    pickles = sorted(name for name in listed if any(Path(name).match(pattern) for pattern in PICKLES))
    if pickles:
        return PickleRefused(
            f"{repository} has its weights in {pickles[0]}, a pickle, which can run code when opened; Rung does not "
            "open it. Some such repositories have safetensors in a pull request, revision='refs/pr/N'; or, where you "
            "trust it, load it with transformers and call save_pretrained(folder, safe_serialization=True)"
        )
    return FetchError(f"{repository} holds no config.json with a {WHOLE}, so it is no model that Rung reads")


@contextmanager
def _told(repository: Repository) -> Iterator[None]:
    """Whatever goes wrong on the way, said once and with what to do."""
    from huggingface_hub import constants, errors

    name, page = repository.name, f"{constants.ENDPOINT}/{repository.name}"
    try:
        yield
    except errors.GatedRepoError:
        raise FetchError(
            f"{name} is gated: ask for access at {page}, then log in with `hf auth login` or set HF_TOKEN"
        ) from None
    except errors.RevisionNotFoundError:
        raise FetchError(f"{name} has no revision {repository.revision!r}; {page}/tree/main lists them") from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        known = near(name, set(SHORT_NAMES.values())) or near(name.partition("/")[2], SHORT_NAMES)
        raise FetchError(
            f"no folder {name!r} here, and no repository of that name on {constants.ENDPOINT}, or a private one "
            f"(log in with `hf auth login`, or set HF_TOKEN).{known}"
        ) from None
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError):
        raise _out_of_reach(repository, "the hub cannot be reached") from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "nothing"
        raise FetchError(f"{constants.ENDPOINT} answered {status} when asked for {repository}; try later") from None
    except OSError as error:
        raise _out_of_reach(repository, f"the hub cannot be reached ({error.strerror or error})") from None
    except Exception as error:
        # Which library carries the bytes, and so what it raises, has changed between versions of huggingface_hub.
        if type(error).__module__.partition(".")[0].rstrip("2") not in ("httpx", "httpcore", "requests"):
            raise
        raise _out_of_reach(repository, f"the hub cannot be reached ({error})") from None


def _out_of_reach(repository: Repository, why: str) -> FetchError:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        why = "HF_HUB_OFFLINE is set"
    return FetchError(
        f"{repository} is not in the cache ({os.fspath(constants.HF_HUB_CACHE)}), and {why}. With a network, "
        f"`rung fetch {repository.name}` puts it there, and no network is needed from then on; or give a folder"
    )

"""The cache that other programs on this machine share through the hub's library. It is read, and never written.

What it holds of a commit need not be fetched again. Its files are the user's: nothing here deletes or moves them.
"""

from __future__ import annotations

from pathlib import Path

from sidecar.hub.choosing import FileSet
from sidecar.hub.listing import Repository


def held(repository: Repository, path: str) -> Path | None:
    """Where the cache has this file at the repository's commit. Blocks on the disk."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository.id, path, revision=repository.commit)
    return Path(found) if isinstance(found, str) and Path(found).is_file() else None


def snapshot(repository: Repository, chosen: FileSet) -> Path | None:
    """The cache's folder for the commit, if it has all the files of `chosen`. Blocks on the disk."""
    places = [held(repository, file.path) for file in chosen.files]
    if not places or None in places:
        return None
    first, path = places[0], chosen.files[0].path
    return first.parents[path.count("/")] if first else None

"""Bundles to and from a Hugging Face repository, through MONAI's own functions."""

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from monai.bundle import download, push_to_hf_hub

from ..checksums import FILE_NAME as SUMS
from .archive import wrong_sums
from .check_files import check_files

logger = logging.getLogger(__name__)
TOKEN = "HF_TOKEN"
_NO_OBSTACLE = "files over 25 MB are listed"  # the hub takes them as they are


def push_bundle(
    bundle: Path, repo_id: str, *, version: str, private: bool = True, environment: Mapping[str, str] | None = None
) -> str:
    """Upload an exported bundle, tag it with its version and as ``latest_version``, and give the address back.

    The folder is left as it was; the repository gets a model card, made of ``docs/README.md``, as well.

    Args:
        bundle: Folder of the export.
        repo_id: ``owner/name``; made where it does not exist.
        version: Of the bundle.
        private: Of a repository that is made.
        environment: Holds the access token ``HF_TOKEN``, which is read nowhere else and written nowhere.

    Raises:
        PermissionError: No token.
        ValueError: The checks of files find something: what is uploaded cannot be called back.
    """
    token = (os.environ if environment is None else environment).get(TOKEN)
    if not token:
        raise PermissionError(f"no access token: put one that may write to {repo_id} into the environment as {TOKEN}")
    found = [f for f in check_files(bundle) if f.status == "FAILED" and f.check != _NO_OBSTACLE]
    if found:
        raise ValueError(f"{bundle} is not pushed: {'; '.join(f'{f.check}: {f.note}' for f in found)}")
    with TemporaryDirectory() as folder:  # MONAI writes the model card into what it uploads
        shutil.copytree(bundle, Path(folder) / bundle.name)
        pushed = push_to_hf_hub(
            repo_id, bundle.name, folder, token=token, private=private, version=version, tag_as_latest_version=True
        )
    address = str(pushed)
    logger.info("%s %s is at %s", bundle.name, version, address)
    return address


def fetch_bundle(
    name: str, output: Path, *, repo_id: str | None = None, url: str | None = None, version: str | None = None
) -> Path:
    """Download a bundle to ``output/name`` and compare it with its checksums.

    Args:
        name: Of the bundle.
        output: Folder.
        repo_id: Hugging Face repository, ``owner/name``; the environment's ``HF_TOKEN`` opens private ones.
        url: Address of an archive of `export`, in place of a repository.
        version: Tag in the repository; the latest one by default.

    Raises:
        ValueError: Neither or both of `repo_id` and `url`; or what arrived is not what was exported.
    """
    if (repo_id is None) == (url is None):
        raise ValueError("name either --repo_id or --url")
    if url is not None:
        try:
            download(name=name, bundle_dir=output, url=url, progress=False)
        except OSError as error:
            raise ValueError(
                f"--url {url}: {getattr(error, 'reason', error)}, expected the address of an archive of `export`: name "
                "another, or try again later"
            ) from error
    else:
        download(name=name, bundle_dir=output, source="huggingface_hub", repo=repo_id, version=version)
    bundle = output / name
    if not (bundle / SUMS).is_file():
        raise ValueError(f"{bundle} has no {SUMS}: expected a bundle of `python -m common.packaging export`")
    if wrong := wrong_sums(bundle):
        raise ValueError(
            f"{bundle} is not what was exported, {len(wrong)} files differ, such as {wrong[0]}: download again"
        )
    logger.info("%s; `cd` there and follow docs/README.md", bundle)
    return bundle

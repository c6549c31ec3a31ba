"""Masks that any MONAI bundle with an inference config predicts on a list of images."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow

from ..options.ahead import require_ahead

logger = logging.getLogger(__name__)
_FACTS = ("centre", "cropped")  # of an entry, which decide how it is cropped
_CONFIGS = ("inference.yaml", "inference.yml", "inference.json")


def predict_masks(
    segmenter: str | Path,
    entries: Sequence[Mapping[str, Any]],
    *,
    work_dir: str | Path,
    overrides: Mapping[str, Any] | None = None,
    image_key: str = "image",
) -> dict[str, Path]:
    """Files that the inference config of a MONAI bundle makes of the images of `entries`, by case id.

    The images are given to the config by MONAI's property ``dataset_data`` (``dataset::data``), whatever it reads
    by itself, as a list of ``{image_key: path}`` with an entry's ``centre`` and ``cropped``; ``output_dir`` and, where
    the config has them, ``bundle_root`` and ``dataset_dir`` are set too; then its `run` does what the bundle's authors
    meant, MONAI's saver included. Images are linked under their case ids first, so that equal file names in different
    folders stay apart.

    Args:
        segmenter: Folder of the bundle, of its configs, or an inference config. It runs as code: trust it.
        entries: With ``case_id`` and ``image``, an absolute path.
        work_dir: Gets ``segmenter_input/`` and ``segmenter_output/``; what an earlier run left there goes.
        overrides: Config id to value, over all others, such as ``{"dataloader::num_workers": 0}``.
        image_key: Of the config's ``LoadImaged``.

    Raises:
        FileNotFoundError: The segmenter has no inference config, or a case got no prediction.
        ValueError: The config has no ``run``, ``dataset::data`` or ``output_dir``; a case got several predictions.
    """
    config = inference_config(segmenter)
    root = (config.parent.parent if config.parent.name == "configs" else config.parent).resolve()
    work_dir = Path(work_dir).resolve()
    output_dir = work_dir / "segmenter_output"
    images = _link_images(entries, work_dir / "segmenter_input")
    for file in _nifti_files(output_dir):  # of an earlier run, which could pass for this one's
        file.unlink()
    with _import_path(root):
        workflow = ConfigWorkflow(str(config), workflow_type="infer", logging_file=False)
        folders = {"bundle_root": root, "dataset_dir": work_dir, "output_dir": output_dir}
        settings: dict[str, Any] = {key: str(path) for key, path in folders.items() if key in workflow.parser}
        settings["dataset::data"] = [
            {image_key: str(images[entry["case_id"]]), **{key: entry[key] for key in _FACTS if key in entry}}
            for entry in entries
        ]
        _check_config(config, workflow, [workflow.run_id, "output_dir", "dataset::data"], overrides or {})
        workflow.parser.update({**settings, **(overrides or {})})
        logger.info("%s on %d images", config, len(images))
        workflow.initialize()
        workflow.run()
        workflow.finalize()
    return _find_predictions(list(images), Path(str(workflow.parser.get_parsed_content("output_dir"))))


def inference_config(bundle: str | Path, *, what: str = "segmenter") -> Path:
    """Inference config of a bundle given by its folder, its configs' folder, or the config itself.

    Args:
        bundle: One of these three.
        what: It is, for the message.

    Raises:
        FileNotFoundError: There is none.
    """
    path = Path(bundle)
    if path.is_file():
        return path
    candidates = [folder / name for folder in (path / "configs", path) for name in _CONFIGS]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(
        f"{path} is no {what}: expected a config file or a MONAI bundle's folder with configs/{_CONFIGS[0]} (or "
        f"{', '.join(_CONFIGS[1:])}); name another {what}"
    )


def require_segmenter(segmenter: str | Path, overrides: Mapping[str, Any]) -> None:
    """Refuse a segmenter that there is not, or `overrides` that its config refuses, before hours of other work.

    Raises:
        FileNotFoundError: There is no inference config.
        ValueError: An override is none of the config's options, or may not have that value.
    """
    require_ahead([(f"segmenter {segmenter}", [inference_config(segmenter)], overrides)])


@contextmanager
def _import_path(root: Path) -> Iterator[None]:
    """A bundle's root on the import path while it is built and run; MONAI adds it, for good, only before `run`."""
    before = list(sys.path)
    sys.path.insert(1, str(root))
    try:
        yield
    finally:
        sys.path[:] = before


def _check_config(config: Path, workflow: ConfigWorkflow, ids: Sequence[str], overrides: Mapping[str, Any]) -> None:
    if missing := [key for key in ids if key not in workflow.parser and key not in overrides]:
        raise ValueError(
            f"{config} has no {missing}, expected the ids of MONAI's inference configs: `run`, `dataset::data` (a list "
            "of {image: path}) and `output_dir` (the folder of SaveImaged); add them in an overlay or with "
            "--segmenter_overrides"
        )


def _link_images(entries: Sequence[Mapping[str, Any]], folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for link in folder.iterdir():
        if link.is_symlink():
            link.unlink()
    links = {}
    for entry in entries:
        source = Path(entry["image"]).resolve()
        links[entry["case_id"]] = folder / (entry["case_id"] + (".nii" if source.suffix == ".nii" else ".nii.gz"))
        links[entry["case_id"]].symlink_to(source)
    return links


def _nifti_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.nii*") if path.name.endswith((".nii", ".nii.gz")))


def _find_predictions(case_ids: Sequence[str], output_dir: Path) -> dict[str, Path]:
    """``<id>/<id>_<postfix>.nii.gz`` or flat; a file belongs to the longest id that its name begins with."""
    found: dict[str, list[Path]] = {case_id: [] for case_id in case_ids}
    for file in _nifti_files(output_dir):
        stem = file.name.removesuffix(".gz").removesuffix(".nii")
        owners = [case_id for case_id in case_ids if stem == case_id or stem.startswith(f"{case_id}_")]
        if owners:
            found[max(owners, key=len)].append(file)
    if missing := [case_id for case_id, files in found.items() if not files]:
        raise FileNotFoundError(
            f"the segmenter left no prediction for {len(missing)} of {len(found)} cases, such as "
            f"{', '.join(missing[:5])}: looked in {output_dir} and its folders for <case id>.nii.gz and "
            "<case id>_<postfix>.nii.gz"
        )
    if several := {case_id: files for case_id, files in found.items() if len(files) > 1}:
        case_id, files = next(iter(several.items()))
        raise ValueError(
            f"the segmenter left several files for {len(several)} cases, such as {[str(f) for f in files]} for "
            f"{case_id}: switch the further ones off with --segmenter_overrides"
        )
    return {case_id: files[0] for case_id, files in found.items()}

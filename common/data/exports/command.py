"""The command ``python -m common.data export``."""

from pathlib import Path
from typing import Any, Literal

from ..cases import OnBadCase
from ..cli_options import require_options
from .gather import gather

Form = Literal["nnunet", "dicom"]
_OPTIONS: dict[str, tuple[str, ...]] = {"nnunet": ("number", "name", "mode"), "dicom": ()}


def export(
    to: Form,
    output: str,
    *,
    datalist: str | None = None,
    dataset_dir: str | None = None,
    generated_dir: str | None = None,
    declared: bool = False,
    on_bad_case: OnBadCase = "error",
    workers: int = 2,
    **options: Any,
) -> None:
    """Write a data list, a generated set, or both, in a form that other software reads.

    Args:
        to: nnunet or dicom.
        output: Folder to fill.
        datalist: Path of the list; by default DATASET_DIR/datalist.json.
        dataset_dir: Folder that its paths are relative to; by default its own.
        generated_dir: A generated set.
        declared: The user says that a set without provenance has seen no test case.
        on_bad_case: error stops, skip leaves bad cases out and records them in OUTPUT/left_out.json.
        workers: Threads.
        options: Of nnunet: number and name of the data set, mode (link or copy).
    """
    given = {key: value for key, value in locals().items() if key not in ("to", "options")}
    if to not in _OPTIONS:
        raise ValueError(f"--to is '{to}', expected one of {', '.join(_OPTIONS)}: name one of these")
    require_options(given, further=options, known=_OPTIONS[to], of=f"--to {to}")
    gathered = gather(
        datalist=datalist,
        dataset_dir=dataset_dir,
        generated_dir=generated_dir,
        declared=declared,
        on_bad_case=on_bad_case,
        record=Path(output) / "left_out.json",
        workers=workers,
    )
    if to == "nnunet":
        from .nnunet import export_nnunet

        export_nnunet(gathered, Path(output), **options)
    else:
        from .dicom import export_dicom  # pydicom

        export_dicom(gathered, Path(output), workers=workers, **options)

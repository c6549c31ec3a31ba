"""Wrong arguments and inputs of ``python -m common.data`` and ``python -m common.packaging``."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from .damage import SPOILS
from .files import FAULTS, wrong
from .wrong_input import Wrong


def _pairs(here: Path) -> Path:
    """Folder ``pairs`` of the phantoms' files, as a user's own."""
    pairs = here / "pairs"
    for part in ("images", "labels"):
        shutil.copytree(here / "data" / part, pairs / part)
    return pairs


def _cases(text: str):
    """Pairs with a cases.csv; {0} to {9} are the names of the files without their suffix."""

    def spoil(here: Path) -> None:
        pairs = _pairs(here)
        names = sorted(path.name.removesuffix(".nii.gz") for path in (pairs / "images").iterdir())
        head, _, rows = text.partition("\n")
        (pairs / "cases.csv").write_text(head + "\n" + "".join(rows.replace("NAME", name) + "\n" for name in names))

    return spoil


def _upper(here: Path) -> None:
    pairs = _pairs(here)
    for part in ("images", "labels"):
        path = sorted((pairs / part).iterdir())[0]
        path.rename(path.with_name(path.name.replace(".nii.gz", ".NII.GZ")))
        # the case has to be among the others: a mask or an image that is dropped is what must not happen


def _copies(here: Path) -> None:
    pairs = _pairs(here)
    for part in ("images", "labels"):
        for path in sorted((pairs / part).iterdir())[:3]:
            shutil.copy(path, path.with_name("copy_" + path.name))


def _lonely(part: str):
    def spoil(here: Path) -> None:
        sorted((_pairs(here) / part).iterdir())[0].unlink()

    return spoil


def _plain(here: Path) -> None:
    _pairs(here)


def _no_folder(here: Path) -> None:
    (_pairs(here) / "labels").rename(here / "pairs" / "masks")


def _empty(here: Path) -> None:
    for part in ("images", "labels"):
        (here / "pairs" / part).mkdir(parents=True)


def _out_is_file(here: Path) -> None:
    _pairs(here)
    (here / "out").write_text("in the way")


def _spoilt(fault):
    """Pairs after the damage that a fault does to the data set."""

    def spoil(here: Path) -> None:
        fault(here)
        listed = json.loads((here / "data" / "datalist.json").read_text())
        assert listed
        _pairs(here)

    return spoil


_PREPARE = ("-m", "common.data", "prepare", "--source", "pairs", "--input", "{here}/pairs", "--output", "{out}")
_CHECK = ("-m", "common.data", "check", "--datalist", "{data}/datalist.json")


def _replaced(arguments: tuple[str, ...], *more: str) -> tuple[str, ...]:
    """Arguments with some options given otherwise."""
    start, pairs = arguments[:3], dict(zip(arguments[3::2], arguments[4::2], strict=True))
    pairs |= dict(zip(more[::2], more[1::2], strict=True))
    return (*start, *(word for pair in pairs.items() for word in pair))


# names of faults.yaml → options of the command
PREPARE = {
    "unknown source": "--source pair",
    "on_bad_case Error": "--on_bad_case Error",
    "on_bad_case drop": "--on_bad_case drop",
    "folds 0": "--folds 0",
    "folds -1": "--folds -1",
    "folds 2.5": "--folds 2.5",
    "folds five": "--folds five",
    "folds 400": "--folds 400",
    "test_fraction 1.5": "--test_fraction 1.5",
    "test_fraction half": "--test_fraction half",
    "min_slices many": "--min_slices many",
    "min_slices -1": "--min_slices -1",
    "labels a text": "--labels tumour",
    "labels negative": "--labels [-1,0]",
    "seed a text": "--seed x",
    "workers 0": "--workers 0",
    "centres unknown": "--centres ['nowhere']",
    "unknown option": "--min_slice 3",
    "unknown option of another source": "--count 3",
    "repair yes": "--repair yes",
    "mode symlink": "--mode symlink",
    "input is not there": "--input {here}/nothing",
}
PAIRS = {
    "column Patient": _cases("case_id,Patient\nNAME,p1"),
    "column with spaces": _cases("case_id, patient \nNAME,p1"),
    "column pateint": _cases("case_id,pateint\nNAME,p1"),
    "no case_id": _cases("id,patient\nNAME,p1"),
    "cases of others": _cases("case_id,patient\nother_NAME,p1"),
    "cases twice": _cases("case_id,patient\nNAME,p1\nNAME,p2"),
    "the same files twice": _copies,
    "no mask of an image": _lonely("labels"),
    "no image of a mask": _lonely("images"),
    "no labels folder": _no_folder,
    "no files": _empty,
    "output is a file": _out_is_file,
}
CHECK = {
    "labels a text": "--labels tumour",
    "min_slices many": "--min_slices many",
    "on_bad_case Skip": "--on_bad_case Skip",
    "unknown option": "--dataset_dirr x",
    "dataset_dir is not there": "--dataset_dir {here}/nothing",
}
PACKAGING = {
    "export of an unknown bundle": "export hagan_129 --output {out}",
    "export without a bundle": "export --output {out}",
    "export with an unknown option": "export hagan_128 --output {out} --modell x",
    "export of a model that is not there": "export hagan_128 --output {out} --model {here}/none.pt",
    "export into a file": "export hagan_128 --output {here}/stdout.txt",
    "check of an unknown bundle": "check hagan_129",
    "check on an unknown device": "check hagan_128 --device gpu",
    "check with a schema that is not there": "check hagan_128 --schema {here}/none.json",
    "push without an address": "push hagan_128",
    "an unknown command": "exprot hagan_128",
}
DATA = {
    "an unknown command": "chekc --datalist x",
    "studies of a folder that is not there": "studies --dataset_dir {here}/nothing --output {out}",
    "dicom of a folder without any": "prepare --source dicom --input {data} --output {out} --rois {'GTV':1}",
    "dicom with rois a text": "prepare --source dicom --input {data} --output {out} --rois GTV",
    "export to an unknown form": "export --to nnUnet --dataset_dir {data} --output {out}",
    "export of nothing": "export --to nnunet --output {out}",
    "export with number 0": "export --to nnunet --dataset_dir {data} --output {out} --number 0",
}


def cli_inputs() -> Iterator[Wrong]:
    """Of prepare, check, studies, export and the check of exports."""
    for command, start, given, spoil in (("prepare", _PREPARE, PREPARE, _plain), ("check", _CHECK, CHECK, None)):
        for name, options in given.items():
            words, arguments = FAULTS[f"arguments of {command}"][name], _replaced(start, *options.split(" ", 1))
            yield wrong("arguments", command, name, arguments, words, spoil, end=True)
    for command, module, given in (("packaging", "common.packaging", PACKAGING), ("data", "common.data", DATA)):
        for name, text in given.items():
            words = FAULTS[f"arguments of {command}"][name]
            yield wrong("arguments", command, name, ("-m", module, *text.split()), words, end=True)
    for name, spoil in PAIRS.items():
        yield wrong("input", "prepare", name, _PREPARE, FAULTS["input of prepare"][name], spoil, end=True)
    for name, spoil in SPOILS["NIfTI pair"].items():
        words = FAULTS["NIfTI pair"][name]
        if "missing" not in name:
            yield wrong("NIfTI pair", "prepare", name, _PREPARE, words, _spoilt(spoil), end=True)
        yield wrong("NIfTI pair", "check", name, _CHECK, words, spoil, end=True)
    for name, spoil in SPOILS["data list"].items():
        yield wrong("data list", "check", name, _CHECK, FAULTS["data list"][name], spoil, end=True)

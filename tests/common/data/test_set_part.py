"""Parts of a generated set: whose cases, which are finished, whose records still hold."""

import json
from pathlib import Path

import pytest

from common.data.generated_set import read_generated_set
from common.data.latents import case_name
from common.data.set_part import SetPart

NUMBERS = [0, 1, 2, 3, 4]


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "model.pt"
    path.write_text("weights")
    return path


@pytest.fixture
def part(tmp_path, checkpoint):
    def build(**options):
        settings = {"seed": 0, "window": (-1, 1)}
        options = {"numbers": NUMBERS, "batch_size": 2, "checkpoint": checkpoint, "settings": settings, **options}
        return SetPart(tmp_path / "set", **options)

    return build


def make(part, *numbers):
    """What a generation does with those cases."""
    part.begin()
    for number in numbers:
        record = {"case_id": case_name(number), "seed": number, "image": f"images/{number}.nii.gz"}
        path = part.directory / record["image"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        part.add(record)


def test_a_killed_run_goes_on_with_whole_batches(part):
    make(part(), 0, 1, 2)  # killed within its second batch
    again = part()
    assert [record["case_id"] for record in again.finished] == [case_name(0), case_name(1)]
    assert again.remaining == [2, 3, 4]


@pytest.mark.parametrize(
    "changed", [{"settings": {"seed": 1}}, {"batch_size": 1}, {"numbers": NUMBERS[:4]}, {"checkpoint": Path(__file__)}]
)
def test_another_request_starts_anew(part, changed):
    make(part(), *NUMBERS)
    other = part(**changed)
    assert other.finished == []
    other.begin()
    assert [path.name for path in (other.directory / "unfinished").iterdir()] == ["request.json"]
    assert part().finished == []


def test_a_case_without_its_files_is_made_again(part):
    make(part(), *NUMBERS)
    (part().directory / "images/3.nii.gz").unlink()
    assert part().remaining == [2, 3]


def test_an_unfinished_set_has_no_list_and_readers_say_so(part):
    directory = part().directory
    directory.mkdir()
    (directory / "dataset.json").write_text(json.dumps({"training": []}))  # of a run before
    make(part(), 0)
    with pytest.raises(FileNotFoundError, match=r"is unfinished.*start its `run inferring` again"):
        read_generated_set(directory)
    part().end()
    assert not (directory / "unfinished").exists()


def test_processes_make_each_case_once_and_their_records_come_in_the_order_of_the_set(part, monkeypatch):
    parts = []
    for rank in (0, 1):
        monkeypatch.setattr("ignite.distributed.get_rank", lambda rank=rank: rank)
        monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
        parts.append(part(numbers=[9, 3, 5, 1, 7], batch_size=1))
    assert [p.remaining for p in parts] == [[9, 5, 7], [3, 1]]
    records = [[{"case_id": case_name(number)} for number in p.remaining] for p in parts]
    monkeypatch.setattr("ignite.distributed.all_gather", lambda _: records)
    assert [record["case_id"] for record in parts[0].gather(records[0])] == [case_name(n) for n in (9, 3, 5, 1, 7)]


def test_the_folder_of_real_cases_is_refused(part, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "datalist.json").write_text("{}")
    with pytest.raises(ValueError, match=r"holds datalist.json, .*, expected a folder of generated pairs"):
        part()

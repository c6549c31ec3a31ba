"""The part of a generated set that one process makes, and what of it a killed run left finished."""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import ignite.distributed as idist

from ..files import file_sha256, read_json, write_json
from .generated_set import LIST_NAME, UNFINISHED
from .latents import case_name
from .provenance import FILE_NAME, package_versions
from .sharing import own_batches

REQUEST = "request.json"
DATALIST = "datalist.json"  # as `prepare` writes it


class SetPart:
    """Cases of this process: whole batches of the set, see `own_batches`.

    While the set is made it has no list, and a folder ``unfinished``: the request, and a record of each case, written
    after the case's files. The same request goes on from there, with any number of processes; another one starts anew.

    Attributes:
        finished: Records of this process's cases that need not be made again.
        remaining: Numbers of those that it has to make.

    Args:
        directory: Of the set.
        numbers: Of all of its cases, in order.
        batch_size: Cases that are drawn together. A batch of which one case is missing is drawn again as a whole.
        checkpoint: The model file that generates; its content is part of the request.
        settings: What decides the files beside that; plain values.

    Raises:
        ValueError: The folder is that of real cases.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        numbers: Sequence[int],
        batch_size: int,
        checkpoint: str | Path,
        settings: Mapping[str, Any],
    ) -> None:
        self.directory = Path(directory)
        if (listed := self.directory / DATALIST).is_file():
            raise ValueError(
                f"output_dir {self.directory} holds {listed.name}, the list of a prepared data set, expected a folder "
                "of generated pairs alone: name another --output_dir"
            )
        self.numbers = list(numbers)
        self.batch_size = batch_size
        self.checkpoint = Path(checkpoint)
        self.settings = dict(settings)
        self.finished: list[dict[str, Any]] = []
        self.remaining: list[int] = []
        found = self._read(REQUEST)
        same = found is not None and found == self.request
        processes = {"rank": idist.get_rank(), "world_size": idist.get_world_size()}
        for batch in own_batches(self.numbers, batch_size=self.batch_size, **processes):
            records = [record for number in batch if same and (record := self._record(number))]
            if len(records) == len(batch):
                self.finished += records
            else:
                self.remaining += batch

    @cached_property
    def request(self) -> dict[str, Any]:
        """Requests that are equal give equal files."""
        decisive = {"numbers": self.numbers, "batch_size": self.batch_size, "settings": self.settings}
        content = {**decisive, "checkpoint": file_sha256(self.checkpoint), "versions": package_versions()}
        return json.loads(json.dumps(content))  # as it is read again

    def begin(self) -> None:
        """Mark the set as unfinished; records of another request go. All processes call it, before they write."""
        if idist.get_rank() == 0:
            if self._read(REQUEST) != self.request:
                self._clear()
                write_json(self.request, self.directory / UNFINISHED / REQUEST)
            for name in (LIST_NAME, FILE_NAME):
                (self.directory / name).unlink(missing_ok=True)
        idist.barrier()

    def add(self, record: Mapping[str, Any]) -> None:
        """Keep the record of a case whose files are written: ``case_id``, paths, and whatever the list needs."""
        write_json(record, self.directory / UNFINISHED / f"{record['case_id']}.json")

    def gather(self, records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Records of all processes in the order of the set; all of them call it."""
        parts: Any = idist.all_gather(list(records))  # a list of each process's, whatever Ignite's annotation says
        known = {record["case_id"]: record for part in parts for record in part}
        return [known[case_name(number)] for number in self.numbers]

    def end(self) -> None:
        """The list is written: the set is whole."""
        self._clear()

    def _clear(self) -> None:
        if (self.directory / UNFINISHED).is_dir():
            shutil.rmtree(self.directory / UNFINISHED)

    def _record(self, number: int) -> dict[str, Any] | None:
        """Of a case whose files are there."""
        record = self._read(f"{case_name(number)}.json") or {}
        paths = [self.directory / record[key] for key in ("image", "label") if key in record]
        return record if paths and all(path.is_file() for path in paths) else None

    def _read(self, name: str) -> Any:
        """Content of a file of the unfinished set; None where none can be read, so that it is made again."""
        try:
            return read_json(self.directory / UNFINISHED / name, remedy="it is made again")
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None

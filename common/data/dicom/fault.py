"""What is wrong with DICOM files, in the words of a line of the table of bad cases."""

from pathlib import Path

from ..check import Problem

_UNSAID = "said on the terminal alone: it may hold a name"


class DicomFault(ValueError):
    """One thing wrong with a file, or with the series that it is one of.

    What was found, and the file, may hold names; kind, expectation and remedy never do.
    """

    def __init__(self, kind: str, file: str | Path, *, found: str, expected: str, remedy: str) -> None:
        super().__init__(f"{file}: {kind}: found {found}, expected {expected}: {remedy}")
        self.kind, self.file, self.found, self.expected, self.remedy = kind, str(file), found, expected, remedy

    def shown(self, case_id: str) -> Problem:
        """As a line of the table on the terminal."""
        return Problem(case_id, self.kind, self.file, self.found, self.expected, self.remedy)

    def recorded(self, case_id: str) -> Problem:
        """As what is kept beside the data: nothing that the input says of a patient."""
        return Problem(case_id, self.kind, _UNSAID, _UNSAID, self.expected, self.remedy)

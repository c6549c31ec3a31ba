"""What a data set of cases is asked for."""

from typing import Any, Protocol


class SizedDataset(Protocol):
    """A data set whose items are asked for by number; torch's own `Dataset` does not say that it has a length."""

    def __len__(self) -> int:
        """Number of cases."""

    def __getitem__(self, item: Any, /) -> Any:
        """One case."""

"""Batches of (case, draw), for data sets that are augmented anew for each draw."""

from ..data.draws import Draw
from .step_sampler import StepBatchSampler


class DrawBatchSampler(StepBatchSampler):
    """`StepBatchSampler` that also numbers the draws, over all steps and ranks, as `DrawDataset` takes them."""

    def batch(self, step: int) -> list[Draw]:
        """Case and number of each draw of this rank's batch at ``step``."""
        first = (step * self.world_size + self.rank) * self.batch_size
        return [(self.item(draw), draw) for draw in range(first, first + self.batch_size)]

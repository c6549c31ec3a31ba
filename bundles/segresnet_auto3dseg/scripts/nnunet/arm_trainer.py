"""nnU-Net's trainer with the length that the plan says; nnU-Net finds it by nnUNet_extTrainer, in its own environment.

Its own trainers of few epochs have 250 updates each. This one differs in nothing else that decides the weights.
"""

import os

import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer


class ArmTrainer(nnUNetTrainer):  # type: ignore[misc] # nnU-Net is not in the environment that checks types
    """As many epochs and updates as ``length`` of the plan says, and a checkpoint of each epoch to go on from.

    Threads are as OMP_NUM_THREADS says: on a CPU nnU-Net itself takes all cores.
    """

    def __init__(
        self,
        plans: dict,
        configuration: str,
        fold: int,
        dataset_json: dict,
        device: torch.device = torch.device("cuda"),  # noqa: B008 # nnU-Net's own signature
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        length = self.plans_manager.plans["length"]
        self.num_epochs = length["epochs"]
        self.num_iterations_per_epoch = length["steps"]
        self.num_val_iterations_per_epoch = length["validation_steps"]
        self.save_every = 1
        if "OMP_NUM_THREADS" in os.environ:
            torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

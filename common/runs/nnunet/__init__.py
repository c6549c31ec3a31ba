"""nnU-Net as a judge of training data: its own commands, in an environment of its own, on data sets of the arms."""

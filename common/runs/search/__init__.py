"""Hyperparameter search: trials that are ordinary runs of bundles, chosen by Optuna."""

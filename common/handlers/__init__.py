"""Ignite handlers for checkpoints, losses and previews."""

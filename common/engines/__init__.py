"""Ignite trainers and samplers for networks with several optimisers."""

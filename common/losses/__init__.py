"""Adversarial objectives and gradient penalties."""

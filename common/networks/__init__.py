"""Generators, discriminators and encoders."""

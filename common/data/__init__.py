"""Data lists, sources, checks, phantoms and provenance of CT image + mask pairs."""

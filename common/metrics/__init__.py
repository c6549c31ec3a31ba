"""Scores of generated volumes, masks and pairs against real ones, and statistics of data sets."""

"""Data lists and generated sets in the forms that other software reads."""

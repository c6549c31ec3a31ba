"""Looking at a data list and a generated set: volumes, scores and flags on a local web page."""

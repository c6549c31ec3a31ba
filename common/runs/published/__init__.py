"""Sets of generated pairs that are handed on: bad pairs and copies left out, with record, checksums and data card."""

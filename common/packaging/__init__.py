"""Export of bundles with the part of `common` that they use, the model zoo's checks, and sharing."""

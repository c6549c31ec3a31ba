"""MONAI transforms for HU windows, label ranges, pairing and mask clean-up."""

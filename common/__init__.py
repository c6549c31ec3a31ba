"""What the bundles share and MONAI, Ignite, torch, scikit-image and scipy lack."""

__version__ = "0.1.0"

"""What the bundles share and MONAI, Ignite, torch, scikit-image and scipy lack."""

from .reason import end_with_reasons

__version__ = "0.1.0"
end_with_reasons()  # a config imports from here before anything else, so that failures of the rest are told, too

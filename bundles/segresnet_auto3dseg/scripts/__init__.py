"""The bundle as an algorithm template of MONAI's Auto3DSeg."""

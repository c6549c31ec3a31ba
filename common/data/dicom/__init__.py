"""DICOM: series of CT, and the structures that RTSTRUCT and SEG files draw on them."""

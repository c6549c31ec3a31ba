"""One module a source of CT image + mask pairs; each writes pairs and returns their cases."""

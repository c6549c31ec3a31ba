"""The reader study (visual Turing test): real and generated pairs, blinded, on a local web page."""

"""A procedural head-and-neck CT with known ground truth: anatomy, lesions and scanners from one table."""

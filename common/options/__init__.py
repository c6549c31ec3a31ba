"""Options of the bundles' configs: what each may be, told before anything is read, and written into the docs."""

"""Pages on this machine: the server, what keeps strangers out, and the viewer of volumes."""

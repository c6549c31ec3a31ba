"""What starts and follows processes of its own: experiments, searches, Auto3DSeg, published sets, other bundles."""

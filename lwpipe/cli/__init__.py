"""The command line `lwpipe`."""

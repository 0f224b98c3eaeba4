"""Inputs that lwpipe must refuse: cases by group, and the harness that runs them."""

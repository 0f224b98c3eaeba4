"""Kill the workflow at random moments: `python -m tests.robust.faults`."""

"""Kill the workflow at random moments and see that nothing is lost: `python -m tests.faults`."""

"""Coverage-guided fuzzing of what reads files of users: `python -m tests.robust.fuzz`."""

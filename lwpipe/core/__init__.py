"""What everything else stands on: errors, files, arrays, paths, settings."""

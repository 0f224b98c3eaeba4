"""Pictures: rendered faces and plots, without a display and without global state."""

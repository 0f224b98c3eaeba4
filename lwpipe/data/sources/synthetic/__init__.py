"""Source 'synthetic': the embedded parametric face."""

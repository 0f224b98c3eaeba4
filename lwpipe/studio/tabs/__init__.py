"""The tabs of the page, each a function that adds its widgets."""

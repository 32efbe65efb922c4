"""Parts of soak.py: what goes on for hours, what goes wrong in it, and what must not be left over."""

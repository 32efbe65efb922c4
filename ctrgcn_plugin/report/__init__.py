"""A test as a report: its numbers, as a page, Markdown and JSON."""

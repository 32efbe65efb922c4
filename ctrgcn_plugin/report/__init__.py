"""What to show for a result: pictures of clips."""

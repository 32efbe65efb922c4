"""What is drawn of clips: strips, animations, pages that play them, time lines, learned topologies."""

"""Everything that knows PaddleVideo's inside. Only this package and the plugin's entry point import it."""

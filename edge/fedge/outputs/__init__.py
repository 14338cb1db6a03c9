"""Where answers go: a terminal, files, a broker, web pages. Any number at once, each behind a queue of its own."""

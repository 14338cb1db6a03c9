"""Text from files and cameras, made fit for a terminal."""


def printable(text: str) -> str:
    """The text without control characters: labels come from model files, and a terminal obeys what it is sent."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)

"""How much the file outputs keep, if nobody says otherwise. Imports nothing: the command line's help shows these."""

CSV_MEGABYTES = 10
CSV_FILES = 5
SQLITE_ROWS = 1_000_000

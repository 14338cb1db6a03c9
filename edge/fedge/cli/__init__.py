"""The command line: the signature and help of each command, and how a process of fedge ends."""

"""The commands about the device itself: its service, its model store, and what keeps fedge from working on it."""

"""Commands about the device itself: its model store, and what keeps fedge from working on it."""

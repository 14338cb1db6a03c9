"""Decoded pictures: in memory, or in a bounded cache on disk from which they are read where they are indexed."""

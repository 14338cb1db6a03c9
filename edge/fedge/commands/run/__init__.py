"""`fedge run`: from what was asked of it to a source, its classifiers and its outputs, and the loop between them."""

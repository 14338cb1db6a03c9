"""What a model file is made of: the flatbuffer, the archive behind it, and JSON by a schema."""

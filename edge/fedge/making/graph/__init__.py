"""Writing TFLite flatbuffers: new tables in front of a network whose own bytes are kept."""

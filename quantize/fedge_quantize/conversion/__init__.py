"""From a float network to an int8 flatbuffer: folding, rounding, quantization-aware training, conversion."""

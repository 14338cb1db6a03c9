"""The search for the best network: trials of `fedge train` and `fedge quantize`, chosen on held-out pictures."""

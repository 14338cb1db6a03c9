"""What commands share in reading what the user typed: parameters, groups of options, configuration files."""

"""The loop of `fedge run`: frames in, answers and decisions out."""

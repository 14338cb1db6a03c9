"""The networks that fedge trains: what they are made of, where their weights come from, what they say of pictures."""

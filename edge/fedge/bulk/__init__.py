"""Classifying many pictures, wherever they are, on many processes: partition by partition into a Parquet data set."""

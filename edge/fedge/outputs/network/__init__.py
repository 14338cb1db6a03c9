"""Outputs over HTTP: webhook and metrics."""

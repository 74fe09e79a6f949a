"""The library behind the course Detecting Data Drift."""

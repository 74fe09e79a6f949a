"""What `make bench` prints: `python -m tests.benchmarks`, or some parts of it by name."""

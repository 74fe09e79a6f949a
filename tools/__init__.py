"""What only maintainers and instructors run; no notebook imports it."""

"""What a workshop builds a unit from: data, and the small scripts that make drawings and tables of it."""

"""One small file for each area that doctor looks at. check.py says what such a file holds."""

"""The tests mirror the package; each name says what holds."""

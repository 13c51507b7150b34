"""The fault harness: processes killed at every edge, races, torn disks, random lives of sends."""

"""The guard: pure rules, one file per rule, that turn a draft and facts into one decision."""

"""The fault harness: processes killed at every edge, races, torn disks, random lives of sends.

A default test run does a sample of each. The rest carries the mark `faults`, takes about an hour on
two cores, and prints its figures at the end:

    pytest -m faults tests/faults                     # everything
    pytest -m faults tests/faults -k "send or race"   # by the names of cases

| file | what it attacks |
|---|---|
| `test_kill_points.py` | SIGKILL before and after each statement, commit and step of the wire, of a send and of an approval, for each behaviour of X; then recovery by two processes at once and the agent's retry |
| `test_race.py` | eight processes on one ledger, on each engine, and what happens without the exclusive hold |
| `test_power_loss.py` | a disk that loses what was never synced, at every sync of a send |
| `test_lives.py` | random lives of sends over the real ledger, beside an oracle that counts on its fingers |
"""  # noqa: E501 - a table

"""What the service costs, measured against what the machine can do. Nothing of it ships, and no test asks for timings.

__main__.py   the command line: `python -m bench [--quick] [SCENARIO …]`
scenarios/    one module per kind of work: its contestants, its rounds, its rows of the table
baselines/    what ours is compared with: the least that could do the same, and the usual ways to do it
rounds.py     interleaved rounds and their medians
load.py       the load generator, a process of its own
cpu.py        processor time of a server and of PostgreSQL
stage.py      starts PostgreSQL, the service and the baselines, and stops them
rows.py       fills tables by SQL
events.py     signed deliveries
report.py     the table, the plot, the result file
machine.py    on what it was measured

Requests per second drift with the machine. Ratios within a round, and processor time per request, do not: go by those.
"""

"""What the service costs, measured against what the machine can do. Nothing of it ships, and no test asks for timings.

__main__.py   the command line: `python -m bench [--quick] [SCENARIO …]`
scenarios/    one module per kind of work: its contestants, its rounds, its rows of the table
baselines/    what ours is compared with: the least that could do the same, and the usual ways to do it
peers/        other programs that take in deliveries, and their installation
rounds.py     interleaved rounds and their medians
load.py       the load generator, a process of its own
cpu.py        processor time of a server and of PostgreSQL
stage.py      starts PostgreSQL, the service and the baselines, and stops them
rows.py       fills tables by SQL
sizes.py      the same work among more and more rows
listening.py  readers of the event feed
events.py     signed deliveries
report.py     the tables and the result file; plot.py the picture
machine.py    on what it was measured

Requests per second drift with the machine. Ratios within a round, and processor time per request, do not: go by those.
"""

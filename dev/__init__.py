"""Starts the whole service on one machine, and describes what ships. Nothing of it ships.

run.py the command line: `python -m dev.run [--once]` supervisor.py starts everything in order, runs the main job,
notices a death, stops everything stack.py what is started: commands and readiness probes environment.py the settings of
the children: the caller's, `.env`, and defaults for a newcomer postgres.py an embedded PostgreSQL (also serves the
tests) processes.py one child process that cannot outlive its parent (also serves the tests) install.py the virtual
environment from a lock, by uv or by pip index.py how this machine reaches a package index patience.py runs a silent
command, and shows that it still runs sbom.py the bill of materials of what ships

`dev` never imports `app` or `sandbox`: it knows their commands, settings and ports.
"""

"""Owns the version of the service, as its contract, its metrics and its traces say it."""

VERSION = "0.1.0"

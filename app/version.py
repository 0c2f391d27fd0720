"""The service's version, by Semantic Versioning: here, and nowhere else. A test holds those who repeat it."""

VERSION = "1.0.0"

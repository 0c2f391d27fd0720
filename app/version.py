"""The service's version, shown in OpenAPI, metrics and traces."""

VERSION = "0.1.0"

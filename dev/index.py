"""How this machine reaches a package index: the settings of its pip that concern the index, and no others.

A constraint, a `user = true` or a `target` of this machine must not affect an installation from a lock. What is kept is
where packages are and how to get there: certificates, a proxy, time-outs. It uses only the standard library, because it
runs before anything is installed.
"""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

PLACES = ("index-url", "extra-index-url", "find-links")
CERTIFICATES = ("cert", "client-cert")
REACHING = (*PLACES, *CERTIFICATES, "no-index", "trusted-host", "proxy", "timeout", "default-timeout", "retries")
SECTIONS = ("global", "install", ":env:")  # the later wins, as with pip
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")

FOR_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}


def read(python: str | Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the settings of `python`'s pip about the index, by the name of pip's option.

    A list is separated by spaces. Raises subprocess.CalledProcessError if pip cannot read its own configuration.
    """
    command = [str(python), "-m", "pip", "config", "list"]
    everything = {**environ, "PIP_USER": "0"}  # `user = true` would restrict the list to the user's own file
    told = subprocess.run(command, env=everything, capture_output=True, text=True, check=True).stdout
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in told.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in found and name in REACHING:
            found[section][name] = " ".join(str(ast.literal_eval(value)).split())
    settings = {name: value for section in SECTIONS for name, value in found[section].items() if value}
    bundles = [environ[name] for name in BUNDLES if Path(environ.get(name) or "/").is_file()]
    return settings if "cert" in settings or not bundles else settings | {"cert": bundles[0]}


def for_pip(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings as environment variables for pip, which then ignores its configuration files."""
    return {"PIP_CONFIG_FILE": os.devnull} | {
        f"PIP_{name.upper().replace('-', '_')}": value for name, value in settings.items()
    }


def for_uv(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings as environment variables for uv."""
    told = {FOR_UV[name]: value for name, value in settings.items() if name in FOR_UV}
    if "UV_FIND_LINKS" in told:
        told["UV_FIND_LINKS"] = told["UV_FIND_LINKS"].replace(" ", ",")
    return told


def folders(settings: Mapping[str, str]) -> set[Path]:
    """Return the folders of this machine that hold packages.

    For an index in a folder it is the parent folder, as the index's pages link to files beside it.
    """
    found = set()
    for name in PLACES:
        for word in settings.get(name, "").split():
            path = Path(word.removeprefix("file://"))
            if path.is_absolute() and path.exists():
                beside = name.endswith("index-url") or path.is_file()
                found.add(path.parent if beside and path.parent != Path("/") else path)
    return found

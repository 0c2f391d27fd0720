"""The browser of the tests and of the benchmarks.

Debian's chromium-headless-shell is the same engine without windows and profiles, which cost five sixths of the time of a
page that is opened once. Where it is not, the whole browser will do.
"""

import shutil

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")

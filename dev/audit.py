"""`python -m dev.audit`: known vulnerabilities of the locked packages, if a database of them can be reached.

pip-audit asks for each package, treats an unknown one as safe, and reports nothing found even if it could ask for none.
So one line says how many packages were looked up, or that none were. pip-audit's own variables
(PIP_AUDIT_VULNERABILITY_SERVICE, PIP_AUDIT_OSV_URL) choose the database.
"""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements.txt"
ASK = ["--require-hashes", "--disable-pip", "--timeout", "10", "--progress-spinner", "off", "--format", "json"]
OUT_OF_REACH = ("connect", "resolution", "proxy", "timed out", "unreachable", "serviceerror", "ssl")
SKIPPED = "audit skipped: no vulnerability database can be reached from here"


def main() -> int:
    """Report what was found. Returns 1 if a locked package is known to be vulnerable, 2 if the audit itself failed."""
    command = [sys.executable, "-m", "pip_audit", *ASK, "-r", str(LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return _failed(done.stderr)
    asked = [one for one in packages if "skip_reason" not in one]
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    if not asked:
        print(SKIPPED)
        return 0
    vulnerable = [one for one in asked if one["vulns"]]
    for one in vulnerable:
        for found in one["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            print(f"{one['name']} {one['version']}: {found['id']} (fixed in {fixed})")
    if unknown:
        print(f"not known to the database, so not audited: {', '.join(unknown)}")
    print(f"audited {len(asked)} locked packages: {len(vulnerable)} vulnerable")
    return 1 if vulnerable else 0


def _failed(said: str) -> int:
    """The exit status after pip-audit failed: 0 if the network was the reason."""
    if "No module named pip_audit" in said:
        print("audit skipped: pip-audit is not installed")
        return 0
    if any(word in said.lower() for word in OUT_OF_REACH):
        print(SKIPPED)
        return 0
    print(said, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())

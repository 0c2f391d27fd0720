"""Installing from the locks: with uv, with pip where uv cannot, and with the oldest pip there is."""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev import index
from dev.install import UV_ENTRY, Environment, InstallError, reason
from tests.fixtures.locked_files import index_of, uv
from tests.fixtures.ports import find_free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PROJECT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")
OLDEST_PIP = {(3, 11): "22.3", (3, 12): "23.2.1", (3, 13): "24.2", (3, 14): "25.2"}
"""What each Python brought along when it was new."""


def make_chain(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Answer a server's TLS context for 127.0.0.1, and the file of the authority that signed its certificate."""
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("authority", "server")}
    now = dt.datetime.now(dt.UTC)
    for name, key in keys.items():
        built = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == "authority", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        )
        signed = built.sign(keys["authority"], hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = keys["server"].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "key.pem")
    return context, folder / "authority.pem"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Index:
    """A package index on loopback whose certificate one authority alone vouches for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        context, self.authority = make_chain(folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}/index"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def publish(self, name: str) -> Path:
        """Offer a package without anything in it; return a lock of it."""
        wheel = self.folder / f"{name}-1-py3-none-any.whl"
        about = f"{name}-1.dist-info"
        with zipfile.ZipFile(wheel, "w") as packed:
            packed.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
            packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            packed.writestr(f"{about}/RECORD", "")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        page = self.folder / "index" / name / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f'<a href="/{wheel.name}#sha256={digest}">{wheel.name}</a>')
        lock = self.folder / f"{name}.txt"
        lock.write_text(f"{name}==1 \\\n    --hash=sha256:{digest}\n")
        return lock


@pytest.fixture
def own_index(tmp_path: Path) -> Iterator[Index]:
    served = Index(tmp_path)
    yield served
    served.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment for all these tests: to make one takes seconds."""
    environment = Environment(tmp_path_factory.mktemp("installed") / "venv with a space")
    environment.prepare(anew=True)
    return environment


@pytest.fixture
def prepared(
    made: Environment, own_index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Environment]:
    """Prepare the environment on a machine whose pip alone is told of the index; uv is there already."""
    for name in (*index.BUNDLES, "SSL_CERT_DIR", *index.FOR_UV.values(), "PIP_CERT", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))

    def prepare(**settings: str) -> Environment:
        """`settings` are more of pip's. That of `user` would refuse any installation, and hide the others."""
        told = {"index-url": own_index.url, "cert": str(own_index.authority), "user": "true"} | settings
        (tmp_path / "pip.conf").write_text("[global]\n" + "".join(f"{it} = {told[it]}\n" for it in told))
        made.uv.unlink(missing_ok=True)
        made.uv.symlink_to(Path(sys.executable).with_name("uv"))
        made.prepare(anew=False)
        return made

    return prepare


def installed(environment: Environment) -> list[str]:
    listing = "import importlib.metadata as m; print(*(it.name for it in m.distributions()))"
    done = subprocess.run([environment.python, "-c", listing], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_uv_installs_where_the_network_has_a_certificate_authority_of_its_own(
    own_index: Index, prepared: Callable[..., Environment]
) -> None:
    environment = prepared()
    assert environment.install(own_index.publish("box")) == "installed by uv, so pip was not needed"
    assert "box" in installed(environment)


def test_pip_installs_where_uv_cannot_and_the_reason_is_said(
    own_index: Index,
    prepared: Callable[..., Environment],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{find_free_port()}/index")
    environment = prepared()
    told = environment.install(own_index.publish("crate"))
    assert told.startswith("installed by pip, because uv could not: ")
    assert "refused" in told.lower()
    assert "uv cannot install here" in capsys.readouterr().out
    assert "crate" in installed(environment)


def test_a_certificate_that_nobody_vouches_for_is_named_by_both(
    own_index: Index, prepared: Callable[..., Environment], capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = own_index.folder / "stranger"
    stranger.mkdir()
    _, authority = make_chain(stranger)
    environment = prepared(cert=str(authority))
    with pytest.raises(InstallError, match=r"(?i)certificate"):
        environment.install(own_index.publish("parcel"))
    assert "certificate" in capsys.readouterr().out


def test_another_file_than_the_locked_one_is_refused_by_both(
    own_index: Index, prepared: Callable[..., Environment], capsys: pytest.CaptureFixture[str]
) -> None:
    environment = prepared()
    lock = own_index.publish("barrel")
    lock.write_text(lock.read_text().partition("sha256:")[0] + f"sha256:{'0' * 64}\n")
    with pytest.raises(InstallError, match=r"(?i)hash"):
        environment.install(lock)
    assert "uv cannot install here" in capsys.readouterr().out
    assert "barrel" not in installed(environment)


def test_a_program_that_cannot_be_started_is_a_reason_too(
    own_index: Index, prepared: Callable[..., Environment]
) -> None:
    environment = prepared()
    environment.uv.unlink()
    environment.uv.write_text("of another machine")
    assert "Permission denied" in environment.install(own_index.publish("basket"))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "it said nothing"),
        ("error: Request failed\n  cause: client error\n  cause: UnknownIssuer\n", "UnknownIssuer"),
        ("Collecting uv\nERROR: No matching distribution found for uv\nWARNING: old pip\n", "ERROR: No matching distribution found for uv"),
        ("something else\n", "something else"),
    ],
)  # fmt: skip
def test_the_reason_is_the_innermost_cause(said: str, why: str) -> None:
    assert reason(said) == why


@pytest.mark.parametrize("lock", ["requirements-local.txt", "requirements-dev.txt"])
def test_the_locks_of_the_environment_bring_uv_with_its_hashes(lock: str) -> None:
    entry = UV_ENTRY.search((PROJECT / lock).read_text())
    assert entry is not None
    first, *hashes = [line for line in entry[0].splitlines() if "#" not in line]
    assert first.startswith("uv==")
    assert hashes
    assert all(it.strip().startswith("--hash=sha256:") for it in hashes)


@pytest.fixture(scope="module")
def oldest_pip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An environment with the pip that this Python brought along when it was new, and how an index is reached."""
    wanted = OLDEST_PIP[sys.version_info[:2]]
    folder = tmp_path_factory.mktemp("oldest-pip")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    settings = index.read(sys.executable)
    python = folder / "bin" / "python"
    done = uv(settings, "install", "--python", python, f"pip=={wanted}")
    if done.returncode:
        pytest.skip(f"no package index can be reached from here: {reason(done.stdout + done.stderr)}")
    return python, settings


@pytest.mark.parametrize("lock", LOCKS)
def test_the_oldest_pip_takes_the_lock(oldest_pip: tuple[Path, dict[str, str]], lock: str, tmp_path: Path) -> None:
    python, settings = oldest_pip
    told = index.for_pip(index_of(PROJECT / lock, settings, tmp_path))
    command: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--require-hashes",
        "-r",
        PROJECT / lock,
    ]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "Would install" in done.stdout

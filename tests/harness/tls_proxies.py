"""nginx, Apache and HAProxy in front of a portal: the configurations that we ship, with a test's ports and names."""

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.certificate_authority import CertificateAuthority, Identity
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import Server, running
from tests.harness.shipped import CHECKOUT, edited

NAME = "localhost"
SHIPPED_NAME, SHIPPED_UPSTREAM = r"mfa\.example\.org(?!\.)", r"127\.0\.0\.1:8080"


@dataclass(frozen=True)
class TlsProxy:
    """A proxy that listens with TLS; `url` is what browsers call the portal behind it."""

    directory: Path
    port: int
    http_port: int
    identity: Identity

    @property
    def url(self) -> str:
        """The portal's public_url."""
        return f"https://{NAME}:{self.port}"


Configure = Callable[[TlsProxy, str], list[str | Path]]
"""Writes a proxy's configuration before a portal's HOST:PORT; returns the command that runs it in the foreground."""


def new_tls_proxy(directory: Path) -> TlsProxy:
    """Choose the ports of a proxy, and make its certificate; the portal has to know them before there is a proxy."""
    authority = CertificateAuthority(directory, "root")
    identity = authority.issue("portal", f"DNS:{NAME},IP:{LOOPBACK}")
    return TlsProxy(directory, free_tcp_port(), free_tcp_port(), identity)


@contextmanager
def running_tls_proxy(configure: Configure, proxy: TlsProxy, upstream: str) -> Iterator[Server]:
    """Give a proxy that accepts connections."""
    argv = configure(proxy, upstream)
    with running(argv, proxy.directory / f"{configure.__name__}.log") as server:
        server.wait_until(lambda: _accepts(proxy.port))
        yield server


def nginx(proxy: TlsProxy, upstream: str) -> list[str | Path]:
    """Configure nginx."""
    changes = {
        r"listen 80;": f"listen {LOOPBACK}:{proxy.http_port};",
        r"listen 443": f"listen {LOOPBACK}:{proxy.port}",
        r"/etc/ssl/certs/\S+\.pem": str(proxy.identity.certificate),
        r"/etc/ssl/private/\S+\.key": str(proxy.identity.key),
        SHIPPED_UPSTREAM: upstream,
        SHIPPED_NAME: NAME,
    }
    site = _write(proxy, "nginx-site.conf", edited(CHECKOUT / "conf/nginx/watchword.conf", changes))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = " ".join(f"{kind}_temp_path {proxy.directory / kind};" for kind in kinds)
    here = f"daemon off; user root; pid {proxy.directory / 'nginx.pid'}; error_log stderr; worker_processes 1;"
    main = f"{here}\nevents {{}}\nhttp {{ access_log off; {places} include {site}; }}\n"
    return ["/usr/sbin/nginx", "-e", "stderr", "-c", _write(proxy, "nginx.conf", main)]


def apache(proxy: TlsProxy, upstream: str) -> list[str | Path]:
    """Configure Apache."""
    changes = {
        r"\*:80\b": f"{LOOPBACK}:{proxy.http_port}",
        r"\*:443\b": f"{LOOPBACK}:{proxy.port}",
        r"/etc/ssl/certs/\S+\.pem": str(proxy.identity.certificate),
        r"/etc/ssl/private/\S+\.key": str(proxy.identity.key),
        SHIPPED_UPSTREAM: upstream,
        SHIPPED_NAME: NAME,
    }
    site = _write(proxy, "apache-site.conf", edited(CHECKOUT / "conf/apache/watchword.conf", changes))
    modules = ("mpm_event", "authz_core", "alias", "socache_shmcb", "ssl", "proxy", "proxy_http")
    loaded = [f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules]
    main = [
        f"ServerRoot {proxy.directory}",
        f"ServerName {NAME}",
        f"PidFile {proxy.directory / 'apache.pid'}",
        f"DefaultRuntimeDir {proxy.directory}",
        "ErrorLog /dev/stderr",
        *loaded,
        f"Listen {LOOPBACK}:{proxy.http_port}",
        f"Listen {LOOPBACK}:{proxy.port}",
        f"Include {site}",
        "",
    ]
    return ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", _write(proxy, "apache.conf", "\n".join(main))]


def haproxy(proxy: TlsProxy, upstream: str) -> list[str | Path]:
    """Configure HAProxy."""
    both = proxy.directory / "portal-both.pem"
    both.write_text(proxy.identity.certificate.read_text() + proxy.identity.key.read_text(), encoding="ascii")
    changes = {
        r"bind :80\b": f"bind {LOOPBACK}:{proxy.http_port}",
        r"bind :443\b": f"bind {LOOPBACK}:{proxy.port}",
        r"/etc/haproxy/\S+\.pem": str(both),
        SHIPPED_UPSTREAM: upstream,
    }
    part = _write(proxy, "watchword.cfg", edited(CHECKOUT / "conf/haproxy/watchword.cfg", changes))
    main = _write(proxy, "haproxy.cfg", "global\n    maxconn 200\n    log stderr format raw local0\n")
    argv: list[str | Path] = ["/usr/sbin/haproxy", "-db", "-f", main, "-f", part]
    subprocess.run([*argv, "-c"], check=True, capture_output=True)
    return argv


PROXIES: tuple[Configure, ...] = (nginx, apache, haproxy)


def _write(proxy: TlsProxy, name: str, text: str) -> Path:
    path = proxy.directory / name
    path.write_text(text, encoding="utf-8")
    return path


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0

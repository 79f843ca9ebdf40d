"""Credentials reach the API and nobody else: no other host, no message, no log (laws P2, P4, P5)."""

from __future__ import annotations

import gc
import logging
import ssl
import threading
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from etl.catalog import SourceSystem
from etl.errors import ConfigError, SourceError, StorehouseError
from etl.settings import Settings
from etl.sources import open_source
from tests.sources.api import ApiServer, Reply, Request, api_source, json_reply, read, serving, table_of
from tests.sources.shops import column

SECRET = "Pa55w0rd%&/:@+=?"
FORMS = (SECRET, quote(SECRET), quote(SECRET, safe=""), quote_plus(SECRET))
TABLE = table_of({"id": "bigint"}, {"path": "/things"})
CHAIN = table_of({"id": "bigint"}, {"path": "/things", "data": ["data"], "pagination": {"kind": "next_url"}})


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _guarded(is_right: Callable[[Request], bool]) -> Callable[[Request], Reply]:
    def respond(request: Request) -> Reply:
        if is_right(request):
            return json_reply([{"id": 1}])
        return json_reply({"error": "who are you?"}, status=401)

    return respond


@pytest.fixture(scope="module")
def api() -> Iterator[ApiServer]:
    with serving(lambda request: Reply()) as server:
        yield server


@pytest.fixture(autouse=True)
def _forgotten(api: ApiServer) -> None:
    api.requests.clear()
    # Sources of other tests hide the same secret.
    logging.getLogger("urllib3.connectionpool").filters.clear()


WAYS: dict[str, tuple[dict[str, Any], dict[str, str], Callable[[Request], bool]]] = {
    "bearer": (
        {"kind": "bearer"},
        {"token": SECRET},
        lambda r: r.headers.get("Authorization") == f"Bearer {SECRET}",
    ),
    "basic": (
        {"kind": "basic"},
        {"user": "jörg", "password": SECRET},
        lambda r: r.headers.get("Authorization") == _basic("jörg", SECRET),
    ),
    "key in a header": (
        {"kind": "api_key", "name": "X-Key"},
        {"api_key": SECRET},
        lambda r: r.headers.get("X-Key") == SECRET,
    ),
    "key in the query": (
        {"kind": "api_key", "name": "key", "location": "query"},
        {"api_key": SECRET},
        lambda r: r.query.get("key") == SECRET,
    ),
}
EVERY_WAY = pytest.mark.parametrize("way", WAYS)


@EVERY_WAY
def test_the_right_credential_opens_a_wrong_one_is_an_error(api: ApiServer, tmp_path: Path, way: str) -> None:
    auth, secrets, is_right = WAYS[way]
    api.respond = _guarded(is_right)
    assert column(read(api_source(api.url, tmp_path, secrets, auth=auth), TABLE), "id") == ["1"]
    wrong = {**secrets, list(secrets)[-1]: "wrong"}
    with pytest.raises(SourceError, match="status 401"):
        read(api_source(api.url, tmp_path, wrong, auth=auth), TABLE)
    assert len(api.requests) == 3


@EVERY_WAY
def test_a_credential_that_is_missing_is_named(tmp_path: Path, way: str) -> None:
    auth, secrets, _ = WAYS[way]
    with pytest.raises(ConfigError, match=f"ETL_API_{next(iter(secrets)).upper()}"):
        api_source("https://api.example", tmp_path, auth=auth)


@EVERY_WAY
def test_no_credential_leaves_for_another_place(api: ApiServer, tmp_path: Path, way: str) -> None:
    """Neither by a redirect nor by a next URL, be it another host, port or scheme."""
    auth, secrets, _ = WAYS[way]
    with serving(lambda request: json_reply({"data": []})) as other:
        places = [
            f"{other.url}/things",
            f"http://localhost:{api.server_port}/things",
            f"https://127.0.0.1:{api.server_port}/things",
            f"http://127.0.0.1:{api.server_port}@127.0.0.1:{other.server_port}/things",
            f"http://127.0.0.1:{other.server_port}\\@127.0.0.1:{api.server_port}/things",
            f"//127.0.0.1:{other.server_port}/things",
        ]
        source = api_source(api.url, tmp_path, secrets, auth=auth)
        for place in places:
            api.respond = lambda r, to=place: Reply(status=302, headers={"Location": to})  # type: ignore[misc]
            with pytest.raises(SourceError, match="another place"):
                read(source, CHAIN)
            api.respond = lambda r, to=place: json_reply({"data": [{"id": 1}], "next": to})  # type: ignore[misc]
            with pytest.raises(SourceError, match="another place"):
                read(source, CHAIN)
        assert other.requests == []


@pytest.mark.parametrize(
    "place", ["http://[", "file:///etc/passwd", "javascript:x", "http://127.0.0.1:99999/", "http://\u00a0/"]
)
def test_a_place_that_is_none(api: ApiServer, tmp_path: Path, place: str) -> None:
    source = api_source(api.url, tmp_path)
    for hostile in (
        json_reply({"data": [{"id": 1}], "next": place}),
        Reply(status=302, headers={"Location": place}),
    ):
        api.requests.clear()
        api.respond = lambda r, given=hostile: given if r.number else json_reply([])  # type: ignore[misc]
        with pytest.raises(SourceError, match=r"no URL|another place|cannot be made"):
            read(source, CHAIN)
        assert len(api.requests) == 2


def test_a_next_url_gets_the_key_of_the_query_once(api: ApiServer, tmp_path: Path) -> None:
    auth, secrets, is_right = WAYS["key in the query"]

    def respond(request: Request) -> Reply:
        page = int(request.query.get("page", 1))
        following = f"?page={page + 1}&filter=a%20b" + ("&key=old" if page == 1 else "") if page < 3 else None
        return json_reply({"data": [{"id": page}], "next": following})

    api.respond = respond
    assert column(read(api_source(api.url, tmp_path, secrets, auth=auth), CHAIN), "id") == ["1", "2", "3"]
    assert all(is_right(request) and request.target.count("key=") == 1 for request in api.requests)
    assert [r.query.get("filter") for r in api.requests[2:]] == ["a b", "a b"]


@EVERY_WAY
def test_no_failure_and_no_log_shows_a_credential(
    api: ApiServer, tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the API says it back, and where urllib3 logs each URL."""
    auth, secrets, _ = WAYS[way]
    encoded = _basic("jörg", SECRET).removeprefix("Basic ")
    echo = f"no {SECRET} {quote(SECRET)} {quote_plus(SECRET)} {encoded}".encode()
    replies = [
        *(Reply(echo, status) for status in (200, 400, 401, 403, 404, 500, 429)),
        Reply(is_dropped=True),
        Reply(b"x" * 10, sent_bytes=5),
        Reply(status=302, headers={"Location": f"http://127.0.0.2:9/?key={quote_plus(SECRET)}"}),
        Reply(b"[]", delay_seconds=0.3),
        json_reply({"data": [{"id": 1}], "next": f"http://127.0.0.2:9/?key={quote_plus(SECRET)}"}),
        json_reply({"data": [{"id": 1}], "next": f"?key={quote_plus(SECRET)}&page=2"}),
    ]
    source = api_source(api.url, tmp_path, secrets, auth=auth, timeout_seconds=0.2, max_tries=2)
    shown = []
    with caplog.at_level(logging.DEBUG):
        for reply in replies:
            # The clock is asked first; it is answered.
            api.requests.clear()
            api.respond = lambda r, given=reply: given if r.number else Reply(b"[]")  # type: ignore[misc]
            with pytest.raises(StorehouseError) as caught:
                read(source, CHAIN)
            shown += [*traceback.format_exception(caught.value), repr(caught.value)]
            assert caught.value.remedy
        down = api_source("http://127.0.0.1:9", tmp_path, secrets, auth=auth)
        with pytest.raises(StorehouseError) as caught:
            read(down, CHAIN)
        shown += traceback.format_exception(caught.value)
    text = "".join(shown) + caplog.text
    assert "GET /things" in caplog.text
    assert "connection failed or broke off: Connection refused" in text
    assert [form for form in FORMS if form in text] == []
    assert (encoded in text) == (way != "basic")


class TokenServer:
    """Gives out tokens by client credentials; remembers those that are good."""

    def __init__(self, expires_in: Any = 3_600) -> None:
        self.given: list[str] = []
        self.good: set[str] = set()
        self.expires_in = expires_in
        self.failures = 0
        self.forms: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        if self.failures:
            self.failures -= 1
            return Reply(status=503)
        self.forms.append(request)
        form = dict(parse_qsl(request.body.decode()))
        named = (form.get("client_id"), form.get("client_secret"))
        basic = _basic("me", quote_plus(SECRET))
        if request.headers.get("Authorization") != basic and named != ("me", SECRET):
            return json_reply({"error": "invalid_client"}, status=401)
        token = f"token-{len(self.given)}"
        self.given.append(token)
        self.good = {token}
        return json_reply({"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in})

    def admits(self, request: Request) -> bool:
        return request.headers.get("Authorization", "").removeprefix("Bearer ") in self.good


@pytest.fixture
def tokens() -> Iterator[tuple[TokenServer, ApiServer]]:
    giver = TokenServer()
    with serving(giver) as server:
        yield giver, server


def _oauth(server: ApiServer, **rest: Any) -> dict[str, Any]:
    return {"kind": "oauth2", "token_url": f"{server.url}/token", **rest}


CLIENT = {"client_id": "me", "client_secret": SECRET}


@pytest.mark.parametrize("client_auth", ["basic", "body"])
def test_a_token_is_fetched_once_and_kept(
    api: ApiServer, tokens: tuple[TokenServer, ApiServer], tmp_path: Path, client_auth: str
) -> None:
    giver, server = tokens
    api.respond = _guarded(giver.admits)
    giver.failures = 1
    auth = _oauth(server, client_auth=client_auth, scope="read all", params={"audience": "x"})
    source = api_source(api.url, tmp_path, CLIENT, auth=auth)
    for _ in range(3):
        assert column(read(source, TABLE), "id") == ["1"]
    assert giver.given == ["token-0"]
    form = dict(parse_qsl(giver.forms[0].body.decode()))
    assert (form["grant_type"], form["scope"], form["audience"]) == ("client_credentials", "read all", "x")


def test_a_token_that_has_expired_or_is_refused_is_fetched_anew(
    api: ApiServer, tokens: tuple[TokenServer, ApiServer], tmp_path: Path
) -> None:
    giver, server = tokens
    api.respond = _guarded(giver.admits)
    source = api_source(api.url, tmp_path, CLIENT, auth=_oauth(server))
    read(source, TABLE)
    giver.good.clear()
    assert column(read(source, TABLE), "id") == ["1"]
    assert giver.given == ["token-0", "token-1"]
    giver.expires_in = "0"
    giver.good.clear()
    read(source, TABLE)
    assert len(giver.given) == 4


def test_a_401_that_comes_twice_is_an_error(
    api: ApiServer, tokens: tuple[TokenServer, ApiServer], tmp_path: Path
) -> None:
    giver, server = tokens
    api.respond = lambda request: Reply(b"token-0 token-1 are no good", 401)
    with pytest.raises(SourceError, match="status 401") as caught:
        read(api_source(api.url, tmp_path, CLIENT, auth=_oauth(server)), TABLE)
    assert giver.given == ["token-0", "token-1"]
    assert "token-" not in str(caught.value)


def test_many_threads_fetch_one_token(
    api: ApiServer, tokens: tuple[TokenServer, ApiServer], tmp_path: Path
) -> None:
    giver, server = tokens
    api.respond = _guarded(giver.admits)
    source = api_source(api.url, tmp_path, CLIENT, auth=_oauth(server))
    threads = [threading.Thread(target=read, args=(source, TABLE)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert giver.given == ["token-0"]
    assert len(api.requests) == 16


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (json_reply({"error": "invalid_client"}, status=400), "invalid_client"),
        (json_reply({"token": "x"}), "no 'access_token'"),
        (json_reply({"access_token": "two\nlines"}), "no 'access_token'"),
        (json_reply([]), "no 'access_token'"),
        (Reply(b"<html>"), "no 'access_token'"),
        (Reply(status=302, headers={"Location": "http://127.0.0.2:9/"}), "status 302"),
        (Reply(status=503), "tried 3 times"),
    ],
)
def test_a_token_that_cannot_be_had(api: ApiServer, tmp_path: Path, reply: Reply, said: str) -> None:
    with serving(lambda request: reply) as server:
        source = api_source(api.url, tmp_path, CLIENT, auth=_oauth(server))
        with pytest.raises(StorehouseError, match=said) as caught:
            read(source, TABLE)
    assert "fetching a token" in caught.value.problem
    assert api.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "api.example", "ftp://api.example", "https://", "https://api.example:port", "https://api.example/?key=x",
        "https://someone:{}@api.example", "https://api.example/#x", "{}",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_used(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="ETL_API_URL cannot be read") as caught:
        api_source(url.format(SECRET), tmp_path)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_url_or_a_credential_that_is_not_set(tmp_path: Path) -> None:
    system = SourceSystem(name="nowhere", description="x", kind="rest")
    with pytest.raises(ConfigError, match="ETL_NOWHERE_URL is not set"):
        open_source(system, Settings(_env_file=None, state_dir=tmp_path))


@pytest.mark.parametrize("token", ["two words", "line\nend", "ü", "nul\x00"])
def test_a_token_that_no_header_can_carry(tmp_path: Path, token: str) -> None:
    with pytest.raises(ConfigError, match="ETL_API_TOKEN") as caught:
        api_source("https://api.example", tmp_path, {"token": token}, auth={"kind": "bearer"})
    assert token not in "".join(traceback.format_exception(caught.value))


def test_cookies_and_accounts_of_the_machine_stay_out(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a netrc file, nor proxies of the environment, nor what an API wants to be remembered."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login someone password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    api.respond = lambda request: json_reply([], headers={"Set-Cookie": "tracked=1"})
    read(api_source(api.url, tmp_path, headers={"X-Client": "storehouse"}), TABLE)
    assert [r.headers.get("Authorization", "") + r.headers.get("Cookie", "") for r in api.requests] == [
        "",
        "",
    ]
    assert api.requests[-1].headers["X-Client"] == "storehouse"


def test_a_proxy_by_setting(api: ApiServer, tmp_path: Path) -> None:
    api.respond = lambda request: json_reply([{"id": 1}])
    source = api_source("http://api.example", tmp_path, {"proxy_url": api.url})
    assert column(read(source, TABLE), "id") == ["1"]
    assert {request.headers["Host"] for request in api.requests} == {"api.example"}


def _authority(folder: Path, name: str, address: str) -> Path:
    """A file with a key and a certificate that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


def test_tls_is_verified_also_by_an_authority_of_ones_own(tmp_path: Path) -> None:
    ours, others = _authority(tmp_path, "ours", "127.0.0.1"), _authority(tmp_path, "others", "127.0.0.1")
    misnamed = _authority(tmp_path, "misnamed", "127.0.0.3")
    for served, trusted, said in (
        (ours, None, "self-signed"),
        (ours, others, "certificate"),
        (misnamed, misnamed, "mismatch"),
        (ours, ours, None),
    ):
        with serving(lambda request: json_reply([{"id": 1}])) as server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(served)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
            url = server.url.replace("http:", "https:")
            source = api_source(url, tmp_path, {"ca_file": str(trusted)} if trusted else {})
            if said is None:
                assert column(read(source, TABLE), "id") == ["1"]
                continue
            with pytest.raises(SourceError, match="cannot be trusted") as caught:
                read(source, TABLE)
            assert said in caught.value.problem
            (tmp_path / "secrets" / "api_ca_file").unlink(missing_ok=True)
    gc.collect()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match="ETL_API_CA_FILE"):
        api_source("https://api.example", tmp_path, {"ca_file": str(file)})

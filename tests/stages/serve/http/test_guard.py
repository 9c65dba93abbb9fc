"""Who may call, from where, and how much: on a machine's own address, and with a key."""

from __future__ import annotations

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.serve.http.guard import SECURITY, add_headers, host_name
from underpaint.stages.serve.sources import read_config

KEY = "a-key-of-thirty-two-characters-00"


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "localhost.", "", "127.0.0.1@x"])
def test_a_foreign_name_is_refused(client, host):
    answer = client.get("/v1/models", headers={"host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_host")


@pytest.mark.parametrize("origin", ["http://example.org", "null", "http://localhost:1", "https://127.0.0.1"])
def test_a_page_of_somewhere_else_is_refused(client, origin):
    answer = client.post("/v1/images/generations", json={"prompt": "a cat"}, headers={"origin": origin})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_origin")


def test_a_page_of_the_server_itself_is_let_in(client, server):
    assert client.get("/v1/models", headers={"origin": server.url}).status_code == 200
    assert client.get("/v1/models", headers={"host": "localhost:99"}).status_code == 200


def test_a_page_behind_a_proxy_that_speaks_tls_is_the_servers_own(client):
    for origin, status in (("https://localhost", 200), ("https://localhost:1", 403), ("ftp://localhost", 403)):
        answer = client.get("/v1/models", headers={"host": "localhost", "origin": origin})
        assert answer.status_code == status, origin


@pytest.mark.parametrize(
    ("text", "name"),
    [("[::1]:80", "[::1]"), ("LOCALHOST:1", "localhost"), ("127.0.0.1", "127.0.0.1"), ("a:b", None), ("", None)],
)
def test_names_are_read_from_headers(text, name):
    assert host_name(text) == name


def test_every_answer_has_a_name_and_security_headers(client):
    for path in ("/health", "/nothing", "/v1/models"):
        headers = client.get(path).headers
        assert headers["x-request-id"].startswith("req_")
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_an_answer_keeps_the_headers_that_it_sets_itself():
    own = [(b"cache-control", b"private"), (b"etag", b"x")]
    add_headers(message := {"type": "http.response.start", "headers": list(own)}, "req_1")
    names = [name for name, _ in message["headers"]]
    assert message["headers"][:2] == own and (b"x-request-id", b"req_1") in message["headers"]
    assert len(names) == len(set(names)) and set(names) >= {name.encode() for name in SECURITY}


def test_a_body_that_is_too_large_is_refused_whatever_its_header_says(client):
    body = b'{"prompt": "' + b"x" * 2**21 + b'"}'
    kinds = {"content-type": "application/json"}
    assert client.post("/v1/images/generations", content=body, headers=kinds).status_code == 413
    chunked = client.post("/v1/images/generations", content=iter([body]), headers=kinds)
    assert (chunked.status_code, chunked.json()["error"]["code"]) == (413, "body_too_large")


def test_another_kind_of_body_another_method_and_another_path_are_refused(client):
    wrong_kind = client.post("/v1/images/generations", content=b"x", headers={"content-type": "text/plain"})
    assert (wrong_kind.status_code, wrong_kind.json()["error"]["code"]) == (415, "unsupported_media_type")
    wrong_method = client.get("/v1/images/generations")
    assert (wrong_method.status_code, wrong_method.json()["error"]["code"]) == (405, "method_not_allowed")
    assert wrong_method.headers["allow"] == "POST"
    assert client.post("/v1/images/variations").json()["error"]["code"] == "unsupported_endpoint"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"nonsense", b'"x"', b"\xff"])
def test_a_body_that_is_no_json_object_is_a_400(client, content):
    answer = client.post("/v1/images/generations", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_the_document_speaks_of_no_422(client):
    document = client.get("/openapi.json").json()
    statuses = {status for path in document["paths"].values() for one in path.values() for status in one["responses"]}
    assert "422" not in statuses and {"200", "400", "429", "503"} <= statuses
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_where_strangers_can_call_a_key_is_needed():
    with pytest.raises(InputError, match="UNDERPAINT_SERVE_API_KEY"):
        read_config({"host": "0.0.0.0"}, {})
    assert read_config({"host": "0.0.0.0"}, {"UNDERPAINT_SERVE_API_KEY": KEY})[0].host == "0.0.0.0"


@pytest.mark.slow
def test_with_a_key_only_its_holder_is_served_and_the_log_does_not_hold_it(start_server, tmp_path):
    server = start_server(tmp_path, "--host", "127.0.0.1", UNDERPAINT_SERVE_API_KEY=KEY).wait_until_ready()
    prompt = "a secret heart"
    with server.client() as client:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": KEY}):
            answer = client.post("/v1/images/generations", json={"prompt": prompt}, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        assert client.get("/health").status_code == client.get("/ready").status_code == 200
    assert server.openai(api_key=KEY).images.generate(prompt="a red heart").data
    assert server.end() == 0
    assert not any(KEY in line or prompt in line for line in server.lines)
    assert any("api_key = (set)" in line for line in server.lines)


def test_a_browser_is_told_what_there_is(client):
    answer = client.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    listed = {tuple(line.split()[:2]) for line in answer.text.splitlines() if line.startswith("    ")}
    paths = client.get("/openapi.json").json()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} <= listed
    assert str(client.base_url).rstrip("/") in answer.text
    assert client.post("/").json()["error"]["code"] == "method_not_allowed"

"""Keys, rates, quotas and the policy for prompts, as a caller meets them."""

from __future__ import annotations

import io
import json
import time

import pytest
from PIL import Image

from underpaint.core.errors import InputError
from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.keys import KeyLimits
from underpaint.stages.serve.sources import read_config

DRAW = "/v1/images/generations"
NAMES = {"ann": "operator", "bob": "user", "few": "user", "two": "user", "slow": "user"}
LIMITS = {
    "few": KeyLimits(pictures_per_day=3),
    "two": KeyLimits(pictures_per_day=4),
    "slow": KeyLimits(requests_per_minute=2),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> KeyFile:
    return KeyFile(tmp_path_factory.mktemp("keys") / "serve.json")


@pytest.fixture(scope="module")
def keys(file) -> dict[str, str]:
    """Name to key."""
    created = {
        name: file.create(name, role=role, limits=LIMITS.get(name, KeyLimits()), now=0.0)  # pyright: ignore[reportArgumentType]
        for name, role in NAMES.items()
    }
    return {name: text for name, (_, text) in created.items()}


@pytest.fixture(scope="module")
def locked(start_server, tmp_path_factory, keys, file):
    """A server with keys."""
    state = tmp_path_factory.mktemp("locked")
    return start_server(state, "--keys", file.path).wait_until_ready()


@pytest.fixture
def call(locked, keys):
    """Send a request as somebody and return the answer: ``call("bob", "GET", "/v1/models")``."""

    def send(name, method, path, idempotency_key=None, **how):
        headers = {"authorization": f"Bearer {keys.get(name, name)}"} if name else {}
        headers |= {"idempotency-key": idempotency_key} if idempotency_key else {}
        with locked.client() as client:
            return client.request(method, path, headers=headers, **how)

    return send


def code_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_nobody_is_let_in_without_a_key(call, keys):
    for name in (None, "nobody", f"{keys['bob'][:-1]}~", keys["bob"][:20], "up_000000000000_" + "x" * 43):
        answer = call(name, "GET", "/v1/models")
        assert code_of(answer) == (401, "invalid_api_key")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert call(None, "GET", "/health").status_code == 200
    assert call("bob", "GET", "/v1/models").status_code == 200


def test_a_running_server_sees_a_new_key_and_the_end_of_it(locked, file):
    _, text = file.create("new", role="user", limits=KeyLimits(), now=0.0)

    def status_becomes(expected: int) -> bool:
        headers = {"authorization": f"Bearer {text}"}
        with locked.client() as client:
            for _ in range(40):
                if client.get("/v1/models", headers=headers).status_code == expected:
                    return True
                time.sleep(0.1)
        return False

    assert status_becomes(200)
    file.revoke("new", now=1.0)
    assert status_becomes(401)


def test_a_user_is_no_operator(call):
    assert code_of(call("bob", "POST", "/api/v1/queue/pause")) == (403, "role_required")
    assert call("ann", "POST", "/api/v1/queue/resume").status_code == 200


def test_a_blocked_prompt_is_a_400_with_the_rule_in_its_message(call):
    for prompt in ("a swastika", "a sw4stik4", "a ѕwаѕtіkа", "s w a s t i k a"):
        answer = call("bob", "POST", DRAW, json={"prompt": prompt})
        assert code_of(answer) == (400, "moderation_blocked")
        error = answer.json()["error"]
        assert (error["type"], error["param"]) == ("image_generation_user_error", "prompt")
        assert "rule hate-symbols of its policy default/" in error["message"]
    job = call("bob", "POST", "/api/v1/jobs", json={"request": {"prompt": "a swastika"}})
    assert code_of(job) == (400, "moderation_blocked")


def test_a_quota_holds_for_pictures_and_jobs_and_the_same_job_is_counted_once(call):
    assert call("few", "POST", DRAW, json={"prompt": "a cat", "n": 2}).status_code == 200
    answer = call("few", "POST", DRAW, json={"prompt": "a cat", "n": 2})
    assert code_of(answer) == (429, "key_rate_limited")
    assert answer.headers["x-should-retry"] == "false"
    assert 250 <= int(answer.headers["retry-after-ms"]) <= 60_000
    assert code_of(call("few", "POST", DRAW, json={"prompt": "a swastika"})) == (400, "moderation_blocked")
    for status in (202, 200, 200):
        job = call("few", "POST", "/api/v1/jobs", json={"request": {"prompt": "a cat"}}, idempotency_key="same")
        assert job.status_code == status
    assert code_of(call("few", "POST", "/api/v1/jobs", json={"request": {"prompt": "a cat"}}))[0] == 429


def test_a_job_that_is_tried_again_counts_again(call):
    call("ann", "POST", "/api/v1/queue/pause")
    job = call("two", "POST", "/api/v1/jobs", json={"request": {"prompt": "a cat", "n": 2}}).json()["id"]
    assert code_of(call("two", "POST", f"/api/v1/jobs/{job}/retry")) == (409, "state_conflict")
    call("two", "POST", f"/api/v1/jobs/{job}/cancel")
    again = call("two", "POST", f"/api/v1/jobs/{job}/retry")
    assert (again.status_code, again.json()["parent"]) == (202, job)
    assert code_of(call("two", "POST", f"/api/v1/jobs/{job}/retry")) == (429, "key_rate_limited")
    call("two", "POST", f"/api/v1/jobs/{again.json()['id']}/cancel")
    call("ann", "POST", "/api/v1/queue/resume")


def test_requests_that_come_too_fast_are_refused_with_a_time(call):
    answers = [call("slow", "GET", "/v1/models") for _ in range(3)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert code_of(answers[2]) == (429, "key_rate_limited")
    assert 250 <= int(answers[2].headers["retry-after-ms"]) <= 30_000
    assert int(answers[2].headers["retry-after"]) >= 1


def test_the_log_names_keys_and_rules_and_holds_neither_secrets_nor_prompts(locked, keys, call):
    call("bob", "POST", DRAW, json={"prompt": "a swastika of mine"})
    lines = [json.loads(line) for line in locked.lines if line.startswith("{")]
    noticed = [line for line in lines if line["event"] == "prompt"]
    assert noticed[-1]["rule"] == "hate-symbols"
    assert noticed[-1]["key"] == keys["bob"].split("_")[1]
    whole = "\n".join(locked.lines)
    assert "swastika" not in whole
    assert all(text.split("_", 2)[2] not in whole for text in keys.values())


def test_prompts_that_were_noticed_are_counted(call):
    call("bob", "POST", DRAW, json={"prompt": "a swastika"})
    assert 'underpaint_prompts_total{action="block",rule="hate-symbols"}' in call("ann", "GET", "/metrics").text


def test_a_batch_beyond_the_quota_is_failed_as_a_whole(call):
    body = {"custom_id": "1", "method": "POST", "url": DRAW, "body": {"prompt": "a cat", "n": 4}}
    files = {"file": ("b.jsonl", json.dumps(body).encode(), "application/jsonl")}
    file_id = call("few", "POST", "/v1/files", files=files, data={"purpose": "batch"}).json()["id"]
    asked = {"input_file_id": file_id, "endpoint": DRAW, "completion_window": "24h"}
    batch = call("few", "POST", "/v1/batches", json=asked).json()
    for _ in range(200):
        batch = call("few", "GET", f"/v1/batches/{batch['id']}").json()
        if batch["status"] not in ("validating", "in_progress"):
            break
    assert batch["status"] == "failed"
    assert "pictures a day" in batch["errors"]["data"][0]["message"]


def test_of_an_uploaded_picture_nothing_but_its_pixels_is_kept(call):
    buffer = io.BytesIO()
    image = Image.effect_noise((8, 8), 50).convert("RGB")
    image.save(buffer, "JPEG", comment=b"secret", quality=90)
    with Image.open(buffer) as decoded:
        pixels = decoded.convert("RGBA").tobytes()
    files = {"file": ("a/b.jpg", buffer.getvalue() + b"secret", "image/gif")}
    kept = call("bob", "POST", "/v1/files", files=files, data={"purpose": "vision"}).json()
    assert kept["filename"] == "b.png"
    content = call("bob", "GET", f"/v1/files/{kept['id']}/content").content
    assert b"secret" not in content
    with Image.open(io.BytesIO(content)) as found:
        assert (found.format, found.tobytes()) == ("PNG", pixels)
    assert call("slow", "GET", f"/v1/files/{kept['id']}/content").status_code in (404, 429)


def test_what_is_no_picture_or_a_bomb_is_refused(call, huge_png):
    for data, status in ((b"GIF89a" + b"x" * 50, 400), (b"", 400), (huge_png(10**5, 10**5), 413)):
        answer = call("bob", "POST", "/v1/files", files={"file": ("a.png", data)}, data={"purpose": "vision"})
        assert (answer.status_code, answer.json()["error"]["param"]) == (status, "file")


def test_a_signature_of_other_characters_is_refused(call):
    answer = call(None, "GET", f"/v1/images/files/{'0' * 64}.png", params={"expires": 2**40, "signature": "é"})
    assert code_of(answer) == (401, "invalid_signature")


def test_a_server_does_not_start_with_keys_that_open_nothing(underpaint, tmp_path):
    done = underpaint("serve", "--port", 0, "--state", tmp_path / "state", "--keys", tmp_path / "keys.json")
    assert done.code == 2
    assert "underpaint keys create NAME" in done.stderr


def test_other_addresses_need_a_key_of_either_kind():
    with pytest.raises(InputError, match="underpaint keys create NAME"):
        read_config({"host": "0.0.0.0"}, {})
    for name, value in (("keys", "keys.json"), ("api_key", "x" * 32)):
        config, _ = read_config({"host": "0.0.0.0", name: value}, {})
        assert getattr(config, name) is not None


def test_limits_of_all_keys_come_from_the_settings():
    config, _ = read_config({}, {"UNDERPAINT_SERVE_THROTTLE": '{"defaults": {"pictures_per_day": 9}, "burst_s": 5}'})
    assert config.throttle.of(KeyLimits()).pictures_per_day == 9
    assert config.throttle.of(KeyLimits(pictures_per_day=1)).pictures_per_day == 1

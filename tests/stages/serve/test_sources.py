"""Laws of settings: options before the environment before the file, mistakes named, secrets not shown."""

from __future__ import annotations

import pytest

from underpaint.core.errors import InputError
from underpaint.stages.serve.config import ServeConfig, is_loopback
from underpaint.stages.serve.sources import read_config


def test_options_go_before_the_environment_before_the_file(tmp_path):
    file = tmp_path / "serve.toml"
    file.write_text('port = 1\nthreads = 2\nengine = "onnx"\n[quality]\nlow = 1\n')
    environ = {"UNDERPAINT_SERVE_PORT": "3", "UNDERPAINT_SERVE_THREADS": "4", "UNDERPAINT_OTHER": "x"}
    config, sources = read_config({"port": 5, "host": None}, environ, file)
    assert (config.port, config.threads, config.engine, dict(config.quality)) == (5, 4, "onnx", {"low": 1})
    expected = {"port": "options", "threads": "the environment", "engine": str(file), "host": "default"}
    assert {name: sources[name] for name in expected} == expected


def test_models_have_names():
    config, _ = read_config({"models": ["stickers-64", "mine=folder/model", "folder/other"]}, {})
    assert config.models == {"stickers-64": None, "mine": "folder/model", "other": "folder/other"}
    assert read_config({}, {"UNDERPAINT_SERVE_MODELS": "a=x,b=y"})[0].models == {"a": "x", "b": "y"}
    with pytest.raises(InputError, match="two models are called 'a'"):
        read_config({"models": ["a=x", "b/a"]}, {})
    with pytest.raises(InputError, match="short name"):
        read_config({"models": ["a b=x"]}, {})


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"UNDERPAINT_SERVE_PROT": "1"}, "prot"),
        ({"UNDERPAINT_SERVE_PORT": "many"}, "port"),
        ({"UNDERPAINT_SERVE_QUALITY": "{"}, "QUALITY is no JSON"),
    ],
)
def test_mistakes_are_named(environ, words):
    with pytest.raises(InputError, match=words):
        read_config({}, environ)


def test_what_is_wrong_with_settings_together_is_said_without_all_of_them():
    with pytest.raises(InputError, match=r"whoever reaches 0\.0\.0\.0 could draw here") as refused:
        read_config({"host": "0.0.0.0", "log": "json"}, {})
    assert str(refused.value).startswith("whoever") and str(refused.value).endswith("settings come from options")
    assert "{" not in str(refused.value)


@pytest.mark.parametrize("environ", [{"API_KEY": "short"}, {"JOBS": "mysql://ann:secret@host/name"}])
def test_secrets_are_not_in_messages(environ):
    with pytest.raises(InputError) as refused:
        read_config({}, {f"UNDERPAINT_SERVE_{name}": value for name, value in environ.items()})
    assert not any(value in str(refused.value) for value in environ.values())


def test_secrets_are_not_shown():
    shown = ServeConfig(api_key="k" * 32, jobs="postgresql://ann:secret@host/name").shown()
    assert (shown["api_key"], shown["jobs"]) == ("(set)", "(set)")


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_which_addresses_only_this_machine_reaches(host, own):
    assert is_loopback(host) is own

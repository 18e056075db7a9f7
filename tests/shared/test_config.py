"""Settings from the environment."""

from pathlib import Path

import pytest

from local_runner.settings import RunnerSettings
from shared.config import SettingError, Settings
from shared.core.hiding.hide_options import HideOptions
from shared.core.hiding.ports import HideMethod


def test_defaults_are_the_local_backend() -> None:
    settings = Settings.from_environment({})
    assert settings.backend == "local"
    assert settings.data_dir == Path.cwd() / ".data"
    assert settings.max_body_bytes == 10 * 1024 * 1024
    assert settings.analysis_timeout_s == 60


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BACKEND", "azure"),
        ("EXECUTION_PROVIDER", "tpu"),
        ("VISION_THREADS", "-1"),
        ("VISION_THREADS", "two"),
        ("MAX_PIXELS", "0"),
        ("ANALYSIS_TIMEOUT_S", "0"),
        ("ANALYSIS_TIMEOUT_S", "nan"),
        ("ANALYSIS_TIMEOUT_S", "soon"),
        ("LOG_LEVEL", "LOUD"),
        ("ORIGINALS_DAYS", "36501"),
        ("OUTBOX_DAYS", "-1"),
        ("METRICS", "graphite"),
        ("WITHMIND_REQUIRE_KEY", "yes"),
        ("WITHMIND_THRESHOLD", "101"),
        ("OUTBOX_BUCKET", "inbox"),
        ("UPLOAD_OPTIONS", "{"),
        ("UPLOAD_OPTIONS", '"solid"'),
        ("UPLOAD_OPTIONS", '{"keep": {"group": "crew"}}'),
        ("UPLOAD_OPTIONS", '{"methods": "solid"}'),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.from_environment({name: value})


def test_options_of_uploads_are_those_of_a_caller() -> None:
    assert Settings.from_environment({}).upload_options == HideOptions()
    people = {"UPLOAD_OPTIONS": '{"keep": {"group": "crew"}}', "UPLOAD_TENANT": "t"}
    assert Settings.from_environment(people).upload_options.people
    settings = Settings.from_environment({"UPLOAD_OPTIONS": '{"method": "solid", "min_face": 9}'})
    assert settings.upload_options == HideOptions(method=HideMethod.SOLID, min_face=9)


def test_what_aws_needs_has_no_default_there() -> None:
    settings = Settings.from_environment({"BACKEND": "aws", "KEYS_TABLE": "keys"})
    assert settings.required("keys_table") == "keys"
    for name in ("key_secret", "groups_table", "kms_key_id", "inbox_bucket"):
        with pytest.raises(SettingError, match=f"{name.upper()} must be set with BACKEND=aws"):
            settings.required(name)


def test_an_empty_setting_is_not_set() -> None:
    assert Settings.from_environment({"PORT": "", "MAX_PIXELS": ""}).max_pixels == 50_000_000


def test_an_empty_local_key_is_no_key() -> None:
    assert RunnerSettings.from_environment({}).local_key is None
    assert RunnerSettings.from_environment({"LOCAL_KEY": ""}).local_key == ""


def test_a_wrong_port_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match="PORT"):
        RunnerSettings.from_environment({"PORT": "70000"})


def test_events_are_fired_unless_it_is_switched_off() -> None:
    assert RunnerSettings.from_environment({}).triggers
    assert not RunnerSettings.from_environment({"TRIGGERS": "off"}).triggers
    with pytest.raises(SettingError, match="TRIGGERS"):
        RunnerSettings.from_environment({"TRIGGERS": "no"})

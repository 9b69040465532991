"""The settings by which the AWS CLI chooses profile, Region and endpoint: variables, ~/.aws/config, ~/.aws/credentials.

A run follows them where its credentials are found there too. Endpoints are the exception: a target is AWS itself, or
it is named with --endpoint, so that no variable decides which account is changed.
"""

from __future__ import annotations

import configparser
import os
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from botocore.exceptions import BotoCoreError, ConfigParseError, ProfileNotFound
from botocore.session import Session

from surveyor.errors import UsageError
from surveyor.input_files import is_file, read_text
from surveyor.messages import nearest
from surveyor.targets.credential_files import check_credential_files, credential_file

__all__ = ["check_settings", "check_transport_settings", "configured_region", "read_profile"]

REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""The first that is set counts (AWS CLI User Guide, Environment variables)."""

_ENDPOINT = "AWS_ENDPOINT_URL"
_IGNORE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
_MAX_NAMES = 30
_MAX_NAME = 80


def read_profile(session: Session) -> Mapping[str, Any]:
    """Return the settings of a session's profile, {} without one. Raise UsageError if they cannot be read.

    The message names the profiles that exist, or the file and the line that cannot be parsed.
    """
    check_credential_files()
    try:
        return dict(session.get_scoped_config())
    except ProfileNotFound:
        raise UsageError(_no_such_profile(session)) from None
    except ConfigParseError:
        raise UsageError(_describe_broken_file()) from None
    except (BotoCoreError, ValueError) as error:
        raise UsageError(f"the settings in ~/.aws cannot be read: {' '.join(str(error).split())}") from None


def configured_region(profile: str | None) -> tuple[str, str] | None:
    """Return the Region that a variable or the profile names, and where it is named; None if none does."""
    settings = read_profile(session := Session(profile=profile))
    for name in REGION_VARIABLES:
        if region := os.environ.get(name):
            return region, name
    region = settings.get("region")
    return (str(region), f"the profile {session.profile or 'default'}") if region else None


def check_settings(profile: str | None, *, is_aws: bool) -> None:
    """Raise UsageError if there is no such profile, or if an endpoint is named where AWS itself would be called."""
    session = Session(profile=profile)
    settings = read_profile(session)
    if not is_aws or session.get_config_variable("ignore_configured_endpoint_urls"):
        return
    where = next((name for name in sorted(os.environ) if _is_endpoint(name) and os.environ[name]), None)
    if where is None and (source := _endpoint_in(settings, session.full_config)):
        where = f"{source} of the profile {session.profile or 'default'}"
    if where is not None:
        raise UsageError(
            f"{where} names an endpoint, and the target is AWS itself: give it with --endpoint URL to test it, or "
            f"set {_IGNORE}=true to test AWS"
        )


def check_transport_settings(session: Session, url: str | None) -> None:
    """Raise UsageError if the certificates or the proxy for calls to `url` (None: AWS) cannot be used."""
    if url is None or url.startswith("https:"):
        for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            bundle = session.get_config_variable("ca_bundle") if name == "AWS_CA_BUNDLE" else os.environ.get(name)
            if bundle:
                _check_certificates(name, str(bundle))
                break
    scheme = urlsplit(url or "https://").scheme
    proxy = getproxies().get(scheme)
    if proxy and not _is_proxy(proxy):
        raise UsageError(f"{scheme.upper()}_PROXY is not the URL of a proxy: expected http://HOST:PORT")


def _is_endpoint(name: str) -> bool:
    return name == _ENDPOINT or name.startswith(f"{_ENDPOINT}_")


def _endpoint_in(settings: Mapping[str, Any], everything: Mapping[str, Any]) -> str:
    """Return the key of a profile that names an endpoint, for all services or for one; "" if none does."""
    if settings.get("endpoint_url"):
        return "endpoint_url"
    services = everything.get("services", {}).get(settings.get("services"), {})
    named = [name for name, table in services.items() if isinstance(table, Mapping) and table.get("endpoint_url")]
    return f"endpoint_url of {named[0]} in the services {settings['services']}" if named else ""


def _no_such_profile(session: Session) -> str:
    names = session.available_profiles
    shown = ", ".join(map(repr, names[:_MAX_NAMES])) or "none"
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    name = str(session.profile)[:_MAX_NAME]
    near = nearest(name, names)
    where = f"{credential_file('AWS_CONFIG_FILE')} and {credential_file('AWS_SHARED_CREDENTIALS_FILE')}"
    return f"there is no profile {name!r}{near or ';'} {where} have {shown}{more}"


def _describe_broken_file() -> str:
    """Return which file cannot be parsed, and where. Its lines are not shown: they may hold keys."""
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        path = credential_file(variable)
        if not is_file(path):
            continue
        try:
            configparser.RawConfigParser(default_section="").read_string(read_text(path))
        except configparser.DuplicateSectionError as error:
            return f"{path}:{error.lineno}: there is a second section [{error.section}]; expected each once"
        except configparser.DuplicateOptionError as error:
            return f"{path}:{error.lineno}: [{error.section}] has {error.option} twice; expected each key once"
        except configparser.MissingSectionHeaderError as error:
            return f"{path}:{error.lineno}: expected a section such as [default] first"
        except configparser.ParsingError as error:
            line = error.errors[0][0] if error.errors else 1
            return f"{path}:{line}: expected [SECTION] or KEY = VALUE"
        except configparser.Error as error:
            return f"{path}: cannot be parsed ({type(error).__name__})"
    return "a file in ~/.aws cannot be parsed: a setting of several lines must have the form KEY = VALUE in each"


def _check_certificates(name: str, bundle: str) -> None:
    if not is_file(bundle):
        raise UsageError(f"{name}: there is no file {bundle}; expected certificates in PEM")
    try:
        ssl.create_default_context(cafile=bundle)
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise UsageError(f"{name}: {bundle} cannot be used; expected certificates in PEM") from None


def _is_proxy(text: str) -> bool:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False

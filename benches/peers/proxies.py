"""Configurations of the proxies that benches/peers/run compares: one worker each, TLS 1.3, the same certificate, connections to the origin kept.

Each function writes into a folder and gives the command that serves. `logs` asks for an access log in a file with time, client, method, host, path,
protocol, status, bytes and duration, which is what Privet's has.
"""
import json, resource

# Connections that a proxy may have of clients: each may need another to an origin.
MOST = min(30_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 100)

GROWTH = {"100 routes": (100, 0), "10,000 routes": (10_000, 0), "10,000 names": (0, 10_000)}


def nginx(work, ports, port, logs):
    fields = "$time_iso8601 $remote_addr $request_method $host $request_uri $server_protocol $status $body_bytes_sent $request_time $http_user_agent"
    log = f"log_format all escape=json '{fields}'; access_log {work}/nginx.log all buffer=32k flush=1s;" if logs else "access_log off;"
    (work / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {work}/nginx.pid; error_log /dev/null; user root; worker_rlimit_nofile {2 * MOST + 100};
events {{ worker_connections {2 * MOST}; }}
http {{ {log} keepalive_requests 100000000; keepalive_timeout 600; client_max_body_size 100m; proxy_request_buffering off; proxy_buffering on;
  map $http_upgrade $onward {{ default upgrade; "" ""; }}
  upstream files {{ server 127.0.0.1:{ports['files']}; keepalive 512; keepalive_requests 100000000; }}
  upstream sink {{ server 127.0.0.1:{ports['sink']}; keepalive 512; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {work}/cert.pem; ssl_certificate_key {work}/key.pem; ssl_protocols TLSv1.3;
    ssl_session_cache shared:all:10m; http2_max_concurrent_streams 128;
    proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header Connection $onward; proxy_set_header Upgrade $http_upgrade;
    proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto https;
    location / {{ proxy_pass http://files; }} location /upload {{ proxy_pass http://sink; }} location /ws {{ proxy_pass http://sink; }} }} }}
""")
    return ["nginx", "-c", work / "nginx.conf", "-p", work]


def haproxy(work, ports, port, logs, tcp=False):
    name = "tcp" if tcp else "logs" if logs else "plain"
    rules = "" if tcp else f"""
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  use_backend sink if {{ path_beg /upload /ws }}"""
    log, option = ("log stdout format raw local0", "log global\n  option httplog") if logs else ("", "")
    (work / f"haproxy-{name}.cfg").write_text(f"""
global
  {log}
  nbthread 1
  maxconn {MOST}
  tune.ssl.cachesize 20000
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode {'tcp' if tcp else 'http'}
  {option}
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout tunnel 600s
  {'' if tcp else 'http-reuse always'}
frontend f
  bind 127.0.0.1:{port} ssl crt {work}/both.pem {'' if tcp else 'alpn h2,http/1.1'}{rules}
  default_backend files
backend files
  server s 127.0.0.1:{ports['files']}
backend sink
  server s 127.0.0.1:{ports['sink']}
""")
    return ["haproxy", "-db", "-f", work / f"haproxy-{name}.cfg"]


def envoy(work, ports, port, logs, binary):
    def cluster(name):
        return {"name": name, "type": "STATIC", "connect_timeout": "5s", "circuit_breakers": {"thresholds": [{
            "max_connections": 60000, "max_requests": 60000, "max_pending_requests": 60000}]}, "load_assignment": {"cluster_name": name, "endpoints": [{
                "lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": ports[name]}}}}]}]}}

    def route(prefix, name):
        return {"match": {"prefix": prefix}, "route": {"cluster": name, "timeout": "0s"}}

    manager = {"@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
               "stat_prefix": "p", "use_remote_address": True, "upgrade_configs": [{"upgrade_type": "websocket"}],
               "http_filters": [{"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
               "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
                   route("/upload", "sink"), route("/ws", "sink"), route("/", "files")]}]}}
    if logs:
        manager["access_log"] = [{"name": "file", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": str(work / "envoy.log"), "log_format": {"json_format": {
                "time": "%START_TIME%", "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "method": "%REQ(:METHOD)%", "host": "%REQ(:AUTHORITY)%",
                "path": "%REQ(:PATH)%", "protocol": "%PROTOCOL%", "status": "%RESPONSE_CODE%", "bytes": "%BYTES_SENT%", "took": "%DURATION%",
                "agent": "%REQ(USER-AGENT)%"}}}}]
    tls = {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": {
        "alpn_protocols": ["h2", "http/1.1"], "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "ecdh_curves": ["X25519MLKEM768", "X25519", "P-256"]},
        "tls_certificates": [{"certificate_chain": {"filename": str(work / "cert.pem")}, "private_key": {"filename": str(work / "key.pem")}}]}}
    (work / f"envoy-{logs}.json").write_text(json.dumps({"static_resources": {
        "listeners": [{"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}, "filter_chains": [{
            "transport_socket": {"name": "tls", "typed_config": tls}, "filters": [{"name": "http", "typed_config": manager}]}]}],
        "clusters": [cluster("files"), cluster("sink")]}}))
    return [binary, "--concurrency", 1, "--disable-hot-restart", "--log-level", "off", "-c", work / f"envoy-{logs}.json"]


def caddy(work, ports, port, logs):
    log = f"log {{\n output file {work}/caddy.log\n }}" if logs else ""
    (work / f"Caddyfile-{logs}").write_text(f"""
{{
  admin off
  auto_https disable_redirects
  servers {{
    protocols h1 h2
  }}
}}
https://localhost:{port} {{
  bind 127.0.0.1
  tls {work}/cert.pem {work}/key.pem {{
    protocols tls1.3
  }}
  {log}
  reverse_proxy /upload* 127.0.0.1:{ports['sink']}
  reverse_proxy /ws* 127.0.0.1:{ports['sink']}
  reverse_proxy 127.0.0.1:{ports['files']}
}}
""")
    return ["caddy", "run", "--config", work / f"Caddyfile-{logs}", "--adapter", "caddyfile"]


def privet(work, ports, port, duties, binary, admin="off", growth=""):
    """`duties`: "off", "safeguards" (access log in a file, metrics, a guarded login), or "all" (rules at paranoia 1, masks and disclosure records as well)."""
    name = f"privet-{duties}{growth.replace(' ', '-')}"
    routes, names = GROWTH.get(growth, (0, 0))
    certificates = '[[tls.certificate]]\nchain = "cert.pem"\nkey = "key.pem"\n'
    certificates += "".join(f'[[tls.certificate]]\nchain = "names/{n}.crt"\nkey = "names/{n}.key"\n' for n in range(names))
    more = "".join(f'[[route]]\npath = "/part{n}"\nupstream = "http://127.0.0.1:{ports["files"]}"\n' for n in range(routes))
    guard = '[[login]]\npath = "/login"\npreset = "form-redirect"\nusername = "form:email"\n' if duties != "off" else ""
    asked = ""
    if duties == "all":
        guard += '[shield]\nrules = "/usr/share/modsecurity-crs"\n'
        # But for the largest file, which masks would refuse.
        asked = 'shield = "block"\nmask = "all"\nrecord = true\n'
    (work / f"{name}.toml").write_text(f"""
data_dir = "{name}"
[listen]
https = "127.0.0.1:{port}"
http = "off"
admin = "{admin if duties != 'off' else 'off'}"
workers = 1
[limits]
connections = {MOST}
connections_per_address = {MOST}
keep_alive = "10m"
[access_log]
path = "{'off' if duties == 'off' else f'{name}.log'}"
[journal]
path = "{'journal' if duties == 'all' else 'off'}"
[tls]
profile = "modern"
{certificates}
{guard}[[route]]
path = "/upload"
upstream = "http://127.0.0.1:{ports['sink']}"
[[route]]
path = "/ws"
upstream = "http://127.0.0.1:{ports['sink']}"
[[route]]
path = "/10m"
upstream = "http://127.0.0.1:{ports['files']}"
{more}[[route]]
upstream = "http://127.0.0.1:{ports['files']}"
{asked}""")
    return [binary, "serve", "--config", work / f"{name}.toml"]

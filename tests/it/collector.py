"""A receiver of OTLP whose messages are the reference's own. Arguments: protocol (grpc, http or tls), port, file, what to answer first, and the
certificate and key for tls. Everything that comes is appended to the file, an object a line."""

import http.server, json, sys, threading
from concurrent.futures import ThreadPoolExecutor
import grpc
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs, logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics, metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace, trace_service_pb2_grpc as trace_grpc

protocol, port, path, first, *pair = sys.argv[1:]
lock = threading.Lock()


def value(any):
    kind = any.WhichOneof("value")
    if kind == "kvlist_value":
        return attributes(any.kvlist_value.values)
    if kind == "array_value":
        return [value(item) for item in any.array_value.values]
    return getattr(any, kind) if kind else None


def attributes(pairs):
    found = {pair.key: value(pair.value) for pair in pairs}
    assert len(found) == len(pairs), "an attribute is given twice"
    return found


def span(one):
    assert len(one.trace_id) == 16 and len(one.span_id) == 8 and len(one.parent_span_id) in (0, 8)
    assert 0 < one.start_time_unix_nano <= one.end_time_unix_nano
    return {"trace": one.trace_id.hex(), "span": one.span_id.hex(), "parent": one.parent_span_id.hex(), "name": one.name,
            "kind": one.kind, "attributes": attributes(one.attributes), "status": one.status.code, "flags": one.flags}


def record(one):
    assert one.time_unix_nano > 0 and one.severity_number > 0
    return {"trace": one.trace_id.hex(), "span": one.span_id.hex(), "body": value(one.body),
            "attributes": attributes(one.attributes), "severity": one.severity_text}


def points(metric):
    kind = metric.WhichOneof("data")
    for point in getattr(metric, kind).data_points:
        assert 0 < point.start_time_unix_nano <= point.time_unix_nano
        out = {"metric": metric.name, "kind": kind, "unit": metric.unit, "attributes": attributes(point.attributes)}
        if kind == "histogram":
            assert metric.histogram.aggregation_temporality == 2
            assert len(point.bucket_counts) == len(point.explicit_bounds) + 1 and sum(point.bucket_counts) == point.count
            out |= {"value": point.count, "sum": point.sum, "bounds": list(point.explicit_bounds)}
        else:
            out["value"] = point.as_double if point.WhichOneof("value") == "as_double" else point.as_int
        if kind == "sum":
            assert metric.sum.aggregation_temporality == 2 and metric.sum.is_monotonic
        out["exemplars"] = [{"trace": e.trace_id.hex(), **attributes(e.filtered_attributes)} for e in getattr(point, "exemplars", [])]
        yield out


def keep(request, authorization):
    lines = []
    if isinstance(request, trace.ExportTraceServiceRequest):
        for resource in request.resource_spans:
            of = attributes(resource.resource.attributes)
            lines += [span(one) | {"signal": "traces", "resource": of} for scope in resource.scope_spans for one in scope.spans]
    elif isinstance(request, logs.ExportLogsServiceRequest):
        for resource in request.resource_logs:
            lines += [record(one) | {"signal": "logs", "scope": scope.scope.name} for scope in resource.scope_logs for one in scope.log_records]
    else:
        for resource in request.resource_metrics:
            lines += [point | {"signal": "metrics"} for scope in resource.scope_metrics for metric in scope.metrics for point in points(metric)]
    # Whatever else is in it shows in the message's own text.
    lines.append({"signal": "raw", "authorization": authorization, "text": json.dumps(MessageToDict(request), ensure_ascii=False)})
    with lock, open(path, "a") as out:
        out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


# "hang" never answers traces.
answers = [answer for answer in first.split(",") if answer not in ("", "hang")]


def failure():
    with lock:
        return answers.pop(0) if answers else None


class Receiver:
    def Export(self, request, context):
        if first == "hang" and isinstance(request, trace.ExportTraceServiceRequest):
            threading.Event().wait()
        if fault := failure():
            context.abort(getattr(grpc.StatusCode, fault), "not now")
        said = dict(context.invocation_metadata())
        keep(request, said.get("x-key") or said.get("authorization"))
        kinds = {"Trace": trace, "Metrics": metrics, "Logs": logs}
        name = type(request).__name__.replace("Export", "").replace("ServiceRequest", "")
        return getattr(kinds[name], f"Export{name}ServiceResponse")()


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    KINDS = {
        "/base/v1/traces": (trace.ExportTraceServiceRequest, trace.ExportTraceServiceResponse),
        "/base/v1/metrics": (metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse),
        "/base/v1/logs": (logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse),
    }

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/x-protobuf"
        if fault := failure():
            return self.answer(int(fault), b"")
        request, response = self.KINDS[self.path]
        keep(request.FromString(body), self.headers["X-Key"] or self.headers["Authorization"])
        self.answer(200, response().SerializeToString())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if protocol == "http":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Web)
    print("ready", flush=True)
    server.serve_forever()
else:
    server = grpc.server(ThreadPoolExecutor(4))
    receiver = Receiver()
    trace_grpc.add_TraceServiceServicer_to_server(receiver, server)
    metrics_grpc.add_MetricsServiceServicer_to_server(receiver, server)
    logs_grpc.add_LogsServiceServicer_to_server(receiver, server)
    if protocol == "tls":
        chain, key = (open(name, "rb").read() for name in pair)
        server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, chain)]))
    else:
        server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()

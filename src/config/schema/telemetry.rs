//! Telemetry by OTLP.

use super::key::{Key, key};

/// The keys of its table.
pub(super) const KEYS: &[Key] = &[
    key(
        "telemetry",
        "endpoint",
        "\"https://otel.example:4317\"",
        "required",
        "URL of an OpenTelemetry collector. Without the table nothing is sent, and `traceparent` passes as it is. Variables named OTEL_* are not read.",
    ),
    key(
        "telemetry",
        "protocol",
        "\"grpc\"",
        "grpc",
        "\"grpc\", or \"http/protobuf\": then /v1/traces, /v1/metrics and /v1/logs are added to the URL.",
    ),
    key("telemetry", "signals", "[\"traces\", \"metrics\", \"logs\"]", "all three", "What is sent."),
    key(
        "telemetry",
        "sample",
        "\"10%\"",
        "100%",
        "Share of requests that are traced, by the trace's id; `listen.trusted` peers that name a trace decide themselves.",
    ),
    key("telemetry", "interval", "\"60s\"", "60s", "How often metrics are sent."),
    key(
        "telemetry",
        "authorization",
        "\"Bearer ...\"",
        "none",
        "Value of a header that proves to the collector who sends. A secret.",
    ),
    key("telemetry", "authorization_header", "\"authorization\"", "authorization", "Name of that header."),
    key("telemetry", "ca", "\"collector-ca.pem\"", "the system's", "PEM bundle of the only authorities believed."),
    key("telemetry", "service_name", "\"privet\"", "privet", "`service.name` of the resource."),
    key(
        "telemetry",
        "resource",
        "[\"deployment.environment.name=production\"]",
        "[]",
        "Further attributes of the resource, NAME=VALUE.",
    ),
    key(
        "telemetry",
        "cleartext_reason",
        "\"own network\"",
        "none",
        "Why it may be sent in cleartext beyond loopback, which is refused without a reason.",
    ),
];

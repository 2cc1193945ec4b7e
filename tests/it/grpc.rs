//! gRPC by its own library on both sides: unary, streams both ways, statuses in trailers, metadata, cancelling.

use crate::support::{Beside, Privet, script};

#[test]
fn grpc_calls_of_every_kind_pass() {
    let (_app, port) = Beside::python(APPLICATION);
    let privet = Privet::with_listen(
        "workers = 1",
        &format!("[[route]]\nupstream = \"http://127.0.0.1:{port}\"\nhttp2 = true\n"),
    );
    script(&privet, CLIENT);
    privet.until("none left", || privet.metric("privet_requests_in_flight") == 0);
}

/// Messages are bytes as they are: no schema is needed.
const APPLICATION: &str = r#"
import grpc, time
from concurrent import futures
def unary(m, c):
    meta = dict(c.invocation_metadata())
    c.set_trailing_metadata((("x-said", meta.get("x-ask", "")), ("x-bin", b"\x00\xff")))
    if m == b"fail": c.abort(grpc.StatusCode.FAILED_PRECONDITION, "no")
    return m[::-1]
def out(m, c):
    for i in range(int(m)): yield b"%d" % i
def into(ms, c): return b"%d" % sum(len(m) for m in ms)
def both(ms, c):
    for m in ms: yield m
def ever(m, c):
    while c.is_active(): yield b"."; time.sleep(0.01)
class Handler(grpc.GenericRpcHandler):
    def service(self, d):
        return {"/t.T/Unary": grpc.unary_unary_rpc_method_handler(unary), "/t.T/Out": grpc.unary_stream_rpc_method_handler(out),
                "/t.T/In": grpc.stream_unary_rpc_method_handler(into), "/t.T/Both": grpc.stream_stream_rpc_method_handler(both),
                "/t.T/Ever": grpc.unary_stream_rpc_method_handler(ever)}.get(d.method)
server = grpc.server(futures.ThreadPoolExecutor(8)); server.add_generic_rpc_handlers((Handler(),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start(); server.wait_for_termination()
"#;

const CLIENT: &str = r#"
import grpc, sys, queue
channel = grpc.secure_channel(f"localhost:{sys.argv[1]}", grpc.ssl_channel_credentials(open(sys.argv[2], "rb").read()))
answer, call = channel.unary_unary("/t.T/Unary").with_call(b"abc", metadata=(("x-ask", "so"),), timeout=30)
meta = dict(call.trailing_metadata())
assert answer == b"cba" and meta["x-said"] == "so" and meta["x-bin"] == b"\x00\xff", (answer, meta)
big = bytes(3 << 20)
assert channel.unary_unary("/t.T/Unary")(big, timeout=30) == big
for path, code in (("/t.T/Unary", grpc.StatusCode.FAILED_PRECONDITION), ("/t.T/None", grpc.StatusCode.UNIMPLEMENTED)):
    try: channel.unary_unary(path)(b"fail", timeout=30); assert False
    except grpc.RpcError as e: assert e.code() == code, e
assert list(channel.unary_stream("/t.T/Out")(b"1000", timeout=30)) == [b"%d" % i for i in range(1000)]
assert channel.stream_unary("/t.T/In")(iter([b"x" * 1000] * 1000), timeout=30) == b"1000000"
# Each message is sent only when the last has come back.
ask = queue.Queue(); ask.put(b"0")
call = channel.stream_stream("/t.T/Both")(iter(ask.get, None), timeout=30)
for i, m in enumerate(call):
    assert m == b"%d" % i
    ask.put(b"%d" % (i + 1) if i < 99 else None)
assert i == 99
call = channel.unary_stream("/t.T/Ever")(b"", timeout=30)
assert next(call) == b"."
call.cancel()
channel.close()
"#;

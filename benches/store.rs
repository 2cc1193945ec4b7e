//! What the shared store costs: a round trip, many at once, an attempt at a login, a request while it is away, a key's bytes.
//!
//! ```text
//! cargo bench --bench store
//! ```
//!
//! Starts a `redis-server` on loopback and ends it. One thread asks, another drives the connection, as in the process.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::future::join_all;
use privet::{
    login::{
        key::{AllTerms, Key},
        ledger::{Ask, Keys, Ledger as _, Outcome},
        memory::Memory,
        redis::{Clock, Redis},
        state::Terms,
    },
    store::{Script, Settings, Store, Value, settings},
};
use tokio::runtime::{Builder, Runtime};

const ROUNDS: usize = 20_000;
const ATTEMPTS: usize = 5000;
const LANES: usize = 100;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn server() -> (Server, u16) {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    let port_text = port.to_string();
    let arguments = ["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    let child = Command::new("redis-server").args(arguments).stdout(Stdio::null()).spawn().expect("redis-server");
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        thread::sleep(Duration::from_millis(5));
    }
    (Server(child), port)
}

fn store(port: u16) -> Arc<Store> {
    let (give, take) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = runtime();
        give.send(runtime.handle().clone()).expect("awaited");
        runtime.block_on(std::future::pending::<()>());
    });
    let redis = settings::Redis::parse(&format!("redis://127.0.0.1:{port}")).expect("valid");
    let settings = Settings { redis, timeout: Duration::from_secs(1), replicas: 1, cleartext_reason: None };
    let store = Store::start(&settings, &take.recv().expect("a runtime")).expect("starts");
    while !store.is_up() {
        thread::sleep(Duration::from_millis(1));
    }
    store
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what:<44} median {:>9.1?}  p99 {:>9.1?}  max {:>9.1?}", at(50), at(99), at(100));
}

fn timed<T>(times: &mut Vec<Duration>, run: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let out = run();
    times.push(begun.elapsed());
    out
}

fn ask(n: usize) -> Ask {
    // As different in their first bytes as real ones, which are hashes.
    let spread = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let key = |kind: u8| Key((u128::from(spread) << 64 | u128::from(kind)).to_be_bytes());
    let keys =
        Keys { route: Key([1; 16]), address: key(2), account: key(3), pair: key(4), device: None, challenge: None };
    let terms = |limit, seconds: u64, cap| Terms {
        limit,
        slot: (seconds * 1000).div_ceil(7),
        waits: cap > 0,
        cap,
        forget: 86_400,
        remember: 90 * 86_400,
    };
    let (own, account, address, route) =
        (terms(5, 60, 100), terms(20, 3600, 100), terms(30, 60, 0), terms(50_000, 60, 0));
    Ask { login: "bench".into(), keys, terms: AllTerms { route, address, account, own } }
}

fn used(worker: &Runtime, store: &Store) -> i64 {
    let script = Script::new("return tonumber(string.match(redis.call('INFO', 'memory'), 'used_memory:(%d+)'))");
    match worker.block_on(store.run(&script, &[] as &[&str], &[] as &[&str])) {
        Ok(Value::Int(bytes)) => bytes,
        _ => 0,
    }
}

fn main() {
    let (server, port) = server();
    let (store, worker, script) = (store(port), runtime(), Script::new("return 1"));
    let once = || worker.block_on(store.run(&script, &["k"], &["1"]));
    let mut times = Vec::new();
    (0..ROUNDS / 2).for_each(|_| drop(timed(&mut times, once)));
    show("a script, one after the other", times);

    let begun = Instant::now();
    let lane = async |_| {
        for _ in 0..ROUNDS / LANES {
            store.run(&script, &["k"], &["1"]).await.expect("answered");
        }
    };
    worker.block_on(join_all((0..LANES).map(lane)));
    let each = begun.elapsed() / u32::try_from(ROUNDS).expect("small");
    println!("a script of {LANES} at once, time for each            {each:>9.1?}");

    let ledger = Redis::new(Arc::clone(&store), Memory::new(100_000), 1, Clock::Server);
    let now = || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis());
    let now = || now().expect("small");
    let (before, mut times, mut settling) = (used(&worker, &store), Vec::new(), Vec::new());
    for n in 0..ATTEMPTS {
        let claim = timed(&mut times, || worker.block_on(ledger.reserve(ask(n), now()))).expect("let through");
        timed(&mut settling, || ledger.settle(&claim, Outcome::Failure, now()));
    }
    show("an attempt of a new account: decided", times);
    show("an attempt: settled (told, not awaited)", settling);
    thread::sleep(Duration::from_millis(200));
    let keys = i64::try_from(3 * ATTEMPTS).expect("small");
    let bytes = (used(&worker, &store) - before) / keys;
    println!("{bytes} bytes of the server a key; {} attempts dropped", store.counts().dropped.value());

    drop(server);
    while store.is_up() {
        let _ = once();
    }
    let mut times = Vec::new();
    (0..ROUNDS).for_each(|_| drop(timed(&mut times, once)));
    show("a script while the server is away", times);
    let mut times = Vec::new();
    for n in 0..ATTEMPTS {
        drop(timed(&mut times, || worker.block_on(ledger.reserve(ask(n), now()))));
    }
    show("an attempt while the server is away", times);
}

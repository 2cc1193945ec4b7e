//! What services, data bases, meters, platforms and shops log.

use std::fmt::Write as _;

use super::{AGENTS, PATHS, Random};

/// Ids and numbers of every length, in the logs of services, data bases and meters; nobody's data is among them.
pub fn machines(bytes: usize) -> String {
    let mut r = Random::new(3);
    let mut text = String::with_capacity(bytes + 1024);
    while text.len() < bytes {
        match r.below(16) {
            0..=3 => service(&mut r, &mut text),
            4..=6 => database(&mut r, &mut text),
            7..=9 => meters(&mut r, &mut text),
            10..=12 => platform(&mut r, &mut text),
            _ => shop(&mut r, &mut text),
        }
    }
    text
}

fn service(r: &mut Random, text: &mut String) {
    let (time, path, trace) = (r.time(), r.pick(PATHS), r.hex(32));
    let length = 8 + r.below(11) as u32;
    let id = r.digits(length);
    let _ = match r.below(7) {
        0 => writeln!(
            text,
            "{time}.{:03}Z INFO [http-nio-8080-exec-{}] c.e.s.Items - GET {path}/{id} 200 {}ms",
            r.below(1000),
            r.below(200),
            r.below(5000)
        ),
        1 => writeln!(
            text,
            "{{\"level\":\"info\",\"ts\":{}.{:06},\"caller\":\"api/items.go:{}\",\"msg\":\"served\",\"item\":{id},\"trace\":\"{trace}\",\"took\":{}}}",
            1_700_000_000 + r.below(90_000_000),
            r.below(1_000_000),
            r.below(900),
            r.below(10_000_000)
        ),
        2 => writeln!(
            text,
            "- - - [24/Nov/2026:10:{:02}:{:02} +0000] \"GET {path}/{id}?cursor={}&ts={} HTTP/1.1\" 200 {} \"-\" \"{}\" {}.{:03}",
            r.below(60),
            r.below(60),
            r.below(u64::MAX),
            1_700_000_000_000 + r.below(90_000_000_000),
            r.below(10_000_000),
            r.pick(AGENTS),
            r.below(9),
            r.below(1000)
        ),
        3 => writeln!(
            text,
            "time={time}Z level=warn msg=\"slow request\" request_id={} item={id} bytes={} attempt={}/{}",
            r.uuid(),
            r.below(1 << 40),
            r.below(9),
            9
        ),
        4 => writeln!(
            text,
            "{time},{:03} DEBUG Worker-{}: consumed topic-{} partition {} offset {id} lag {} key {}",
            r.below(1000),
            r.below(99),
            r.below(30),
            r.below(64),
            r.below(1_000_000),
            r.hex(16)
        ),
        5 => writeln!(
            text,
            "{} {id} {} {} {}",
            1_700_000_000_000_000_000 + r.below(90_000_000_000_000_000),
            r.below(10_u64.pow(9)),
            r.below(10_u64.pow(7)),
            r.pick(&["OK", "MISS", "HIT"])
        ),
        _ => writeln!(
            text,
            "Nov 24 10:{:02}:{:02} web-{} app[{}]: job {id} done in {}.{:02}s ({} rows, {} bytes)",
            r.below(60),
            r.below(60),
            r.below(40),
            r.below(99_999),
            r.below(900),
            r.below(100),
            r.below(1_000_000),
            r.below(10_u64.pow(10))
        ),
    };
}

fn database(r: &mut Random, text: &mut String) {
    let time = r.time();
    let length = 6 + r.below(13) as u32;
    let ids = [r.digits(length), r.digits(length), r.digits(length)];
    let _ = match r.below(5) {
        0 => writeln!(
            text,
            "{time} UTC [{}] LOG:  duration: {}.{:03} ms  statement: SELECT * FROM items WHERE id IN ({}, {}, {}) LIMIT {}",
            r.below(99_999),
            r.below(9000),
            r.below(1000),
            ids[0],
            ids[1],
            ids[2],
            r.below(1000)
        ),
        1 => writeln!(
            text,
            "INSERT INTO readings VALUES ({}, {}, '{time}', {}.{:04}, '{}');",
            ids[0],
            ids[1],
            r.below(1000),
            r.below(10_000),
            r.hex(12)
        ),
        2 => writeln!(
            text,
            "UPDATE stock SET quantity = {}, version = {} WHERE sku = '{}-{}-{}' AND shard = {}",
            r.below(10_000),
            r.below(100),
            r.below(1000),
            r.below(100_000),
            r.below(100),
            r.below(256)
        ),
        3 => writeln!(
            text,
            "# Query_time: {}.{:06}  Lock_time: 0.{:06} Rows_sent: {}  Rows_examined: {}\nSET timestamp={};",
            r.below(9),
            r.below(1_000_000),
            r.below(1_000_000),
            r.below(1000),
            r.below(10_u64.pow(8)),
            1_700_000_000 + r.below(90_000_000)
        ),
        _ => writeln!(
            text,
            "checkpoint {}/{:X} xid {} lsn {:X}/{:08X} wal {}{:08X}",
            r.below(9),
            r.below(1 << 32),
            ids[2],
            r.below(999),
            r.below(1 << 32),
            r.hex(16),
            r.below(1 << 32)
        ),
    };
}

fn meters(r: &mut Random, text: &mut String) {
    let _ = match r.below(5) {
        0 => writeln!(
            text,
            "{},{},{}.{:02},{}.{:03},{},{}",
            r.time(),
            r.digits(8),
            r.below(100),
            r.below(100),
            r.below(10_000),
            r.below(1000),
            r.below(10_u64.pow(6)),
            r.below(10_u64.pow(10))
        ),
        1 => writeln!(text, "{};{};{};{};{}", r.digits(13), r.digits(10), r.digits(6), r.digits(4), r.digits(11)),
        2 => writeln!(
            text,
            "{} {} {} {} {} {} {} {}",
            r.below(10_000),
            r.below(10_000),
            r.below(10_000),
            r.below(10_000),
            r.below(100_000),
            r.below(1000),
            r.below(100),
            r.below(100)
        ),
        3 => writeln!(
            text,
            "{{\"device\":\"m-{}\",\"lat\":{}.{:06},\"lon\":{}.{:06},\"counter\":{},\"uptime\":{},\"raw\":[{},{},{}]}}",
            r.digits(7),
            r.below(90),
            r.below(1_000_000),
            r.below(180),
            r.below(1_000_000),
            r.digits(12),
            r.below(10_u64.pow(8)),
            r.digits(9),
            r.digits(9),
            r.digits(10)
        ),
        _ => writeln!(
            text,
            "http_requests_total{{code=\"200\",pod=\"api-{}-{}\"}} {} {}",
            r.hex(10),
            r.hex(5),
            r.below(10_u64.pow(11)),
            1_700_000_000_000 + r.below(90_000_000_000)
        ),
    };
}

fn platform(r: &mut Random, text: &mut String) {
    let _ = match r.below(6) {
        0 => writeln!(
            text,
            "I1124 10:{:02}:{:02}.{:06} {:7} controller.go:{}] pod default/api-{}-{} synced, resourceVersion {}",
            r.below(60),
            r.below(60),
            r.below(1_000_000),
            r.below(10_000_000),
            r.below(900),
            r.hex(10),
            r.hex(5),
            r.digits(9)
        ),
        1 => writeln!(
            text,
            "Pulled image \"registry.example/app@sha256:{}\" in {}.{:03}s, size {} bytes",
            r.hex(64),
            r.below(90),
            r.below(1000),
            r.digits(9)
        ),
        2 => writeln!(
            text,
            "kernel: [{:5}.{:06}] nvme0n1: I/O {} QID {} timeout, sector {} 0x{}",
            r.below(100_000),
            r.below(1_000_000),
            r.below(1024),
            r.below(64),
            r.digits(10),
            r.hex(12)
        ),
        3 => {
            writeln!(text, "commit {} merged as {} (build {}, run {})", r.hex(40), r.hex(7), r.digits(8), r.digits(11))
        }
        4 => writeln!(
            text,
            "s3://data-{}/dt=2026-11-24/part-{:05}-{}-c000.snappy.parquet {} {}",
            r.digits(12),
            r.below(100_000),
            r.uuid(),
            r.digits(8),
            r.hex(32)
        ),
        _ => writeln!(
            text,
            "{{\"kind\":\"Event\",\"uid\":\"{}\",\"generation\":{},\"observed\":\"{}Z\",\"port\":{},\"checksum\":\"{}\"}}",
            r.uuid(),
            r.below(1000),
            r.time(),
            1024 + r.below(60_000),
            r.hex(8)
        ),
    };
}

fn shop(r: &mut Random, text: &mut String) {
    let length = 8 + r.below(11) as u32;
    let _ = match r.below(6) {
        0 => writeln!(
            text,
            "order {} shipped, tracking {} weight {}.{:02} kg",
            r.digits(length),
            r.digits(12),
            r.below(30),
            r.below(100)
        ),
        1 => writeln!(
            text,
            "{{\"order_id\":{},\"items\":[{{\"sku\":\"{}\",\"qty\":{},\"price\":{}.{:02}}}],\"total\":{},\"ref\":\"{}-{}\"}}",
            r.digits(length),
            r.digits(10),
            r.below(9),
            r.below(1000),
            r.below(100),
            r.digits(7),
            r.digits(8),
            r.digits(4)
        ),
        2 => writeln!(
            text,
            "INV-2026-{:06} net {},{:03},{:03} gross {}.{:02} lot {:04}-{:04}-{:02}",
            r.below(1_000_000),
            r.below(100),
            r.below(1000),
            r.below(1000),
            r.below(100_000),
            r.below(100),
            r.below(10_000),
            r.below(10_000),
            r.below(100)
        ),
        3 => writeln!(
            text,
            "주문번호 {} 결제금액 {},{:03}원 승인 {}",
            r.digits(length),
            r.below(1000),
            r.below(1000),
            r.digits(8)
        ),
        4 => writeln!(
            text,
            "batch {}-{}-{} isbn 978-{}-{:02}-{:06}-{} stock {}",
            r.digits(4),
            r.digits(5),
            r.digits(2),
            r.below(10),
            r.below(100),
            r.below(1_000_000),
            r.below(10),
            r.below(10_000)
        ),
        _ => writeln!(
            text,
            "GET /products/{}/variants/{}?v={} {}",
            r.digits(13),
            r.digits(14),
            r.digits(10),
            r.digits(5)
        ),
    };
}

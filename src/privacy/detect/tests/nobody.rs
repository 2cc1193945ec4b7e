//! What looks like someone's data and is nobody's: the numbers and words of machines.

use super::found;

#[test]
fn what_machines_write_is_let_be() {
    let mut wrong = Vec::new();
    for text in [
        // Times.
        "2026-11-24T10:00:00Z 2026-11-24T10:00:00.123+09:00 2026-11-24 10:00:00,123 20261124T100000Z 2026-W48-2 2026-328",
        "Tue, 24 Nov 2026 10:00:00 GMT; Tue Nov 24 10:00:00 2026; 24/Nov/2026:10:00:00 +0900; 11/24/2026 10:00 AM; 24.11.2026 10:00",
        "202611241030 20261124103000 20261124103000123 261124 2611241030 2026112410 202611 time=20261124103059",
        "1700000000 1700000000123 1700000000123456 1700000000123456789 ts=1732442400 ts=1732442400123 1732442400.123456 -1732442400",
        "{\"ts\":1732442400123,\"time\":1732442400123456,\"epoch\":1732442400123456789,\"at\":1732442400}",
        "created_at: 1732442400, expires: 1893456000, iat=1516239022 exp=1516242622 uptime 1234567.89",
        "12:34:56 12:34:56.789 1:02:03 00:00:00:12 10:00-11:30 12:34:56:78:90 PT1H30M 1h2m3s 36:15:04",
        "2026년 11월 24일 10시 30분 15초, 26.11.24, 11월 24일, 2026/11/24 10:30",
        // Identifiers.
        "550e8400-e29b-41d4-a716-446655440000 {550E8400-E29B-41D4-A716-446655440000} 550e8400e29b41d4a716446655440000",
        "12345678-1234-1234-1234-123456789012 urn:uuid:01234567-8901-7345-8789-012345678901",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV 018f3c5a-7b2e-7c3d-9e4f-0123456789ab cjld2cjxh0000qzrmn831i7rn V1StGXR8_Z5jdHi6B-myT",
        "507f1f77bcf86cd799439011 6637d8f3a1b2c3d4e5f60718 1541815603606036480 175928847299117063 7234567890123456789",
        "d41d8cd98f00b204e9800998ecf8427e da39a3ee5e6b4b0d3255bfef95601890afd80709 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
        "commit 012f295 8d585a2 9d58d44 1234567 e76d669 0d17d6f (HEAD -> main) Merge 4557562 into 1be6cc7; 01234567",
        "W/\"67ab43-5e4a2c\" ETag: \"33a64df551425fcc55e4d42a148795d9f25f89d4\" If-None-Match: \"1732442400-12345\"",
        "crc32 cbf43926 adler 11e60398 0xDEADBEEF 0x7fff5fbff8c0 ffff888003c00000 0x00000000004005d0",
        "MD5:1f:3a:5b:7c:9d:0e:2f:4a:6b:8c:0d:1e:3f:5a:7b:9c SHA1 5a:3b:7c:9d:0e:2f:4a:6b:8c:0d:1e:3f:5a:7b:9c:1f:2a:3b:4c:5d",
        "SHA256 Fingerprint=AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99",
        "serial 03:a1:b2:c3:d4:e5:f6:07:18:29:3a:4b:5c:6d:7e:8f:90:12 serial=4f:d3",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 nginx@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1",
        "X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678 x-request-id: 7f3a2b1c9d8e4f50",
        "ISBN 978-3-16-148410-0 ISBN-10: 0-306-40615-2 ISBN 9780306406157 ISSN 2049-3630 EAN 4006381333931 UPC 036000291452 GTIN 00012345600012",
        "doi:10.1000/182 arXiv:2106.09685v2 PMID: 12345678 RFC 9110 ISO 8601:2004 IEEE 802.11ax CVE-2021-44228 GHSA-jfh8-c2jp-5v3q CWE-79",
        "tracking 1Z999AA10123456784 9400 1000 0000 0000 0000 00 RR123456785KR EE123456789US 6123-4567-8901",
        "order 20261124-000123 ORD-2026-11-24-0001 order_id=100000123456 INV-2026-000123 PO 4500012345 주문번호 2026112412345678",
        "order 4111111111111111 ok, order id: 1234567890123, 주문번호: 9001011234568, txn_id=9001011234568, seq=9001011234568",
        "SKU 123-45-678 part 12-3456-789 model SM-G991N lot 20261124-01 batch 0001-0002-03 bin 411111",
        "id=1234567890 id=12345678901 id=123456789012 id=1234567890123 id=12345678901234 id=123456789012345 id=1234567890123456",
        "user_id=1234567890 item_id: 12345678901 \"id\":9876543210123 \"account_id\":123456789012 \"org\":\"1234567890\"",
        "arn:aws:iam::123456789012:role/admin arn:aws:s3:::bucket-123456789012 123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1.2.3",
        "i-0abcd1234ef567890 vol-049df61146c4d7901 subnet-9d4a7b6c eipalloc-64d5890a ami-0c55b159cbfafe1f0",
        "api-7d9c5b8f6d-x2k4p nginx-deployment-66b6c48dd5-7w4lt kube-proxy-4hqvp ip-10-0-1-23.ec2.internal statefulset-0",
        "s3://bucket/2026/11/24/10/part-00000-1234567890.snappy.parquet /data/dt=2026-11-24/hour=10/000000_0 s3://b/0123456789/9876543210.gz",
        // Versions.
        "v1.2.3 1.2.3.4-rc1 version 10.20.30.40 Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91 OPR/106.0.0.0 Firefox/121.0 Gecko/20100101",
        "^1.2.3 ~1.2 >=1.2.3 <2.0.0 1.2.3 - 2.3.4 1.x 1.2.3+build.20261124 openssl 3.0.13 30 Jan 2024 glibc2.35 GLIBC_2.17 node18.19.0",
        "jdk-17.0.9+9 PostgreSQL 16.1 (Debian 16.1-1.pgdg120+1) Linux 6.1.0-17-amd64 #1 SMP 6.1.69-1 (2023-12-30) kernel 5.15.0-91.101",
        "npm@10.2.4 react@18.2.0 @types/node@20.10.5 lodash@^4.17.21 pkg:npm/%40angular/core@17.0.8 github.com/a/b@v0.0.0-20231201012345-abcdef012345",
        "firmware 1.0.0.17 build 22621.2861.1.0 ver=3.4.5.6 release: 4.18.0.305 driver v31.0.15.4633",
        // Amounts and measures.
        "price 1,234,567 total 12 345 678 USD 1234.56 ₩1,234,567 1.234.567,89 € $1,234.56 120,500원 1234567원 12,345.678",
        "37.566535, 126.977969 lat=37.5665350 lon=126.9779692 37°33'59.5\"N 126°58'40.7\"E POINT(126.9779692 37.5662952) -122.4194155,37.7749295",
        "1024 2048 4096 8192 16384 32768 65536 131072 262144 524288 1048576 2097152 4194304 8388608 16777216 2147483647 4294967295 9223372036854775807",
        "0 0 1234 5678 9012 3456 7890 12 34; 2341 2341 2346 1204 5567; 4111 1111 1111 1111 1111 2222 3333",
        "1234567 bytes 12.3MB 1.5GiB 1234567890B 4.5e-10 1e10 6.02214076e23 100% 99.99% 1/1000 3:2 16:9 1920x1080 1280×720",
        "port 8080 :443 localhost:5432 0.0.0.0:80 127.0.0.1:6379 [::1]:8080 [::]:22 255.255.255.0 0.0.0.0/0 ::/0 127.0.0.53",
        "pid 12345 tid=140735 uid=1000 gid=1000 exit 137 errno 111 code=0 status=200 line 1234 col 56 rc=-1 HTTP/1.1 504",
        "rgb(123, 45, 67) #123456 #a1b2c3 #fff rgba(0,0,0,.5) hsl(120,100%,50%) margin: 0 -15px 12px 10px; z-index:9999999",
        "OID 1.3.6.1.4.1.311.21.10 1.2.840.113549.1.1.11 SNMPv2-SMI::enterprises.2021.4.6.0 = 1234567",
        // Code and logs.
        "std::vec::Vec::new a::b dead::beef face::ade Foo::Bar::baz C::D::E",
        "at com.example.Foo.bar(Foo.java:123) ~[app-1.2.3.jar!/:1.2.3] at java.base/java.lang.Thread.run(Thread.java:1583) [na:na] ... 12 more",
        "java.lang.Object@7852e922 com.example.Dto@1b6d3586 Thread[#29,http-nio-8080-exec-1,5,main] Lambda$123/0x0000000800c03400@4e50df2e",
        "SELECT id, total FROM orders WHERE id IN (1234567, 2345678, 3456789) AND created_at > '2026-11-24 10:00:00' LIMIT 100 OFFSET 200",
        "INSERT INTO m (ts, v) VALUES (1732442400, 12.5), (1732442460, 13.25); -- 2 rows, 0.012 sec",
        "[24/Nov/2026:10:00:00 +0000] \"GET /v1/items/123456?page=2&size=50&cursor=1234567890 HTTP/1.1\" 200 12345678 \"-\" \"curl/8.5.0\" 0.012",
        "Nov 24 10:00:00 host sshd[12345]: session opened; Nov 24 10:00:00 host kernel: [12345.678901] eth0: link up 1000 Mbps",
        "<134>1 2026-11-24T10:00:00.003Z host app 12345 ID47 [ex@32473 iut=\"3\" eventID=\"1011\"] msg",
        "I1124 10:00:00.123456   12345 controller.go:123] synced 45 pods; E1124 10:00:00.654321       1 main.go:42] exit",
        "{\"level\":30,\"time\":1732442400123,\"pid\":12345,\"req\":{\"id\":1234567890,\"method\":\"GET\"},\"res\":{\"statusCode\":200},\"responseTime\":12}",
        "http_requests_total{code=\"200\",le=\"0.005\"} 1027 1395066363000 go_gc_duration_seconds{quantile=\"0.75\"} 0.000123456",
        "cpu  1234567 890 123456 98765432 12345 0 6789 0 0 0 ctxt 1234567890 btime 1732442400 processes 1234567",
        "Filesystem 1K-blocks Used 102400000 51200000 51200000 50% / ; rx 1234567890 tx 9876543210 dropped 0",
        "7f1c2a000000-7f1c2a021000 rw-p 00000000 00:00 0 55a4b3c2d1e0-55a4b3c2e1e0 r-xp 00001000 fd:01 1234567",
        "getty@tty1.service user@1000.service systemd-fsck@dev-disk-by.service logo@2x.png a@b user@localhost @media @Override git@github.com:org/repo.git",
        "std::cout << x; a = b == c; if x := 1; key: value; http://example.com:8080/a:b?c=d=e; C:\\Users\\1234567",
        "file name: Report Name: 12 hostname=web01 container_name: nginx name=web-1 \"name\":\"orders-queue\" filename=\"a.txt\"",
        "token=null password= secret: **** \"password\":null pwd=/home/app next_page_token=\"\" token_type=bearer tokens: 1234 max_tokens=4096",
        "address: 0x7ffe address=0.0.0.0:80 bind_address: * ip_address= mac=00:00:00:00:00:00",
        "AS64496 VLAN 1234 MTU 1500 ttl=64 seq=1 win 65535 ack 1234567890 id 54321 0x1234",
        "room 1204, floor 12, gate 23, flight KE1234, bus 9401, zone 12345, page 123-456, chapter 12.3.4, ratio 12-34-56",
        "제2024-123호 사건번호 2024가단12345 고시 제2023-45호 예산 1,234억원 123-4567 부 조회수 1234567",
        "score 3-2 4-4-2 90210 12345 54321 10001; 100-200-300; 1-2-3-4; 12-34; 2024-2025; 1990-2000-2010",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk YII=",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 integrity sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "-----BEGIN CERTIFICATE----- ---- -- a -- b --flag=1 ----------",
    ] {
        wrong.extend(found(text).into_iter().map(|f| format!("{f} in {text}")));
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[path = "../../../../benches/corpus/mod.rs"]
mod corpus;

#[test]
fn logs_of_machines_hold_at_most_one_false_value_per_megabyte() {
    const MEGABYTES: usize = 6;
    let text = corpus::machines(MEGABYTES << 20);
    let mut wrong: Vec<_> =
        text.lines().flat_map(|line| found(line).into_iter().map(move |f| format!("{f} in {line}"))).collect();
    // As a stream it is read as a whole, and lines stand beside lines.
    wrong.extend(found(&text).into_iter().map(|f| format!("{f} in all")));
    assert!(wrong.len() <= MEGABYTES, "{} wrong in {MEGABYTES} MB:\n{}", wrong.len(), wrong.join("\n"));
}

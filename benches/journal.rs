//! How many records a second the journal takes, and what one wait for the disk serves.

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use privet::{
    journal::{
        Journal, Kind, Record, Settings,
        tree::{Frontier, leaf},
        verify::{Outside, verify},
    },
    seal::Ring,
};

fn record() -> Record {
    Record::sign_in(
        Kind::SignInFailure,
        "realm staff",
        Some("a1b2c3d4e5f60718".into()),
        "1827364554637281".into(),
        None,
    )
}

fn journal(dir: &std::path::Path) -> Journal {
    let settings = Settings { checkpoint: Duration::from_secs(10), ..Settings::new(dir.join("journal")) };
    Journal::open(&settings, Ring::ephemeral().expect("keys")).expect("opened")
}

fn appends(c: &mut Criterion) {
    // On the disk of the build folder: a temporary folder is often in memory.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let journal = journal(dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut group = c.benchmark_group("append");
    for together in [1_usize, 16, 256, 4096] {
        group.throughput(Throughput::Elements(together as u64));
        group.bench_function(format!("{together} at once"), |b| {
            b.iter(|| {
                // Handed over by the call, and waited for afterwards.
                let answers: Vec<_> = (0..together).map(|_| journal.append(&record())).collect();
                assert!(answers.into_iter().all(|answer| runtime.block_on(answer).is_ok()));
            });
        });
    }
    group.finish();
    drop(journal);
    let report = verify(&dir.path().join("journal").into(), Outside::default()).expect("read");
    let mut group = c.benchmark_group("verify");
    group.throughput(Throughput::Elements(report.records)).sample_size(10);
    group.bench_function("every record", |b| {
        b.iter(|| verify(&dir.path().join("journal").into(), Outside::default()).expect("read").root);
    });
    group.finish();
}

fn tree(c: &mut Criterion) {
    c.bench_function("a leaf of 300 bytes", |b| {
        let bytes = [7; 300];
        b.iter_batched_ref(Frontier::default, |tree| tree.push(leaf(black_box(&bytes))), BatchSize::SmallInput);
    });
}

criterion_group!(benches, appends, tree);
criterion_main!(benches);

//! Records: no input panics, what comes of it does not depend on how it was cut, and whoever shows every record changes nothing.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use privet::{
    format::{Malformed, Media},
    privacy::{
        Engine, Keys, Kind,
        mask::{
            Facts, Judge, Mask, Rewriter, Verdict,
            settings::{At, Records, Uninspectable},
        },
        settings::Settings,
    },
};

#[derive(Debug)]
struct Always(Verdict);

impl Judge for Always {
    fn record(&mut self, _: &Facts<'_>) -> Verdict {
        self.0
    }

    fn outside(&mut self) -> Verdict {
        Verdict::Show
    }

    fn seen(&mut self, _: &Kind, _: &[u8]) {}
}

static MASK: LazyLock<Arc<Mask>> = LazyLock::new(|| {
    let engine = Engine::new(&Settings::default(), Arc::new(Keys::ephemeral().expect("random bytes")));
    Arc::new(Mask::new(Arc::new(engine), Vec::new(), String::new()).revealing([Kind::Phone].into_iter().collect()))
});
static RECORDS: LazyLock<Arc<Records>> = LazyLock::new(|| {
    let read = |all: [&str; 5]| all.iter().map(|at| At::parse(at).expect("a place")).collect();
    Arc::new(Records {
        subject: read(["json:/a/*/id", "json:/id", "csv:id", "html:id", "html:column:id"]),
        consent: read(["json:/a/*/ok", "json:/ok", "csv:ok", "html:ok", "html:column:ok"]),
    })
});

fn run(media: Media, verdict: Option<Verdict>, pieces: &[&[u8]]) -> Result<Vec<u8>, Malformed> {
    let judged = verdict.map(|verdict| (Arc::clone(&RECORDS), Box::new(Always(verdict)) as Box<dyn Judge>));
    let mut rewriter = Rewriter::new(&MASK, Some(media), Some(encoding_rs::UTF_8), Uninspectable::Refuse, judged);
    let mut out = Vec::new();
    pieces.iter().try_for_each(|piece| rewriter.push(piece, &mut out))?;
    rewriter.finish(&mut out)?;
    Ok(out)
}

fuzz_target!(|data: &[u8]| {
    let [kind, cut, body @ ..] = data else { return };
    let media = [Media::Json, Media::JsonLines, Media::Csv, Media::Html][usize::from(*kind % 4)];
    let (a, b) = body.split_at(usize::from(*cut).min(body.len()));
    assert_eq!(run(media, None, &[body]).ok(), run(media, Some(Verdict::Show), &[a, b]).ok());
    for verdict in [Verdict::Mask, Verdict::Drop] {
        assert_eq!(run(media, Some(verdict), &[body]).ok(), run(media, Some(verdict), &[a, b]).ok());
    }
});

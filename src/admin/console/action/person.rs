//! Looking up whom a person's data was shown to. What they are called is sent in a form, never in a URL: from there on a pseudonym does.

use std::collections::BTreeSet;

use http::StatusCode;

use super::act::{Act, Doing, Outcome, value};
use crate::{
    access::subject::{Subject, Subjects},
    admin::console::{
        form::Field,
        visit::{Absent, Visit},
    },
    identity::forward::encoded,
    seal::Ring,
};

/// By anything that the person is known by.
pub(in crate::admin::console) const LOOK_UP: Act = Act {
    fields: |visit| {
        let label = visit.say(
            "What the application or its records call the person: an id, an address of mail, a telephone or registration number",
            "정보주체를 부르는 값: 아이디, 이메일 주소, 전화번호 또는 주민등록번호 등",
        );
        vec![Field::line("id", label, 200)]
    },
    run: |visit, fields, _| look_up(visit, fields),
};

fn look_up<'v>(visit: &'v Visit, fields: &'v [Field]) -> Doing<'v> {
    Box::pin(async move {
        let none = || Absent::new(StatusCode::SERVICE_UNAVAILABLE, "there are no keys that name people");
        let keys = visit.reach.keys.clone().ok_or_else(none)?;
        let id = value(fields, "id").to_owned();
        let found = tokio::task::spawn_blocking(move || {
            let subjects = Subjects::of(&Ring::load(&keys).ok()?);
            Some(subjects.all_of(id.as_bytes()).iter().map(Subject::text).collect())
        });
        let found: BTreeSet<String> = found.await.ok().flatten().ok_or_else(none)?;
        let all: Vec<String> = found.into_iter().collect();
        let says = visit.say(
            "All records of disclosures of this person are shown. That you have looked is written down, and the person is named there by a pseudonym alone.",
            "이 사람의 열람 기록을 모두 표시합니다. 조회 사실이 기록되며, 기록에는 가명만 남습니다.",
        );
        Ok(Outcome::new(format!("/disclosures?subject={}", encoded(&all.join(","))), [says.to_owned()]))
    })
}

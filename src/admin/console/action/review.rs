//! Reviews of access records: opened, answered record by record, and signed.

use http::StatusCode;
use serde_json::{Value, json};

use super::act::{Act, Doing, Outcome, value};
use crate::{
    admin::console::{
        form::Field,
        visit::{Absent, Visit},
    },
    registry::Moment,
};

const WORDS: usize = 500;
/// Numbers of as many records as a page asks about at once.
const NUMBERS: usize = 4000;

/// Lets the gateway draw.
pub(in crate::admin::console) const OPEN: Act =
    Act { fields: period, run: |visit, fields, sure| open(visit, fields, sure) };
/// Says what came of looking at records.
pub(in crate::admin::console) const JUDGE: Act =
    Act { fields: opinion, run: |visit, fields, sure| judge(visit, fields, sure) };
/// Signs for all of it.
pub(in crate::admin::console) const SIGN: Act = Act { fields: |_| Vec::new(), run: |visit, _, sure| sign(visit, sure) };

fn period(visit: &Visit) -> Vec<Field> {
    let since = visit.say("From day (empty: what was not reviewed yet)", "시작일(비우면 점검하지 않은 기간부터)");
    let until = visit.say("Up to day, which is not part of it (empty: now)", "종료일(해당 일 제외, 비우면 지금까지)");
    let sample = visit.say("How many records are drawn (empty: 25)", "무작위 추출 건수(비우면 25)");
    vec![
        Field::day("since", since).optional(),
        Field::day("until", until).optional(),
        Field::line("sample", sample, 3).optional(),
    ]
}

fn opinion(visit: &Visit) -> Vec<Field> {
    let verdicts = ["ok", "finding"].map(|name| (name.to_owned(), visit.term(name))).to_vec();
    let result = visit.say(
        "What was found; name people by the record's number alone",
        "점검 내용(사람 이름 대신 기록 번호로 적어 주세요)",
    );
    let action = visit.say("What is done about it; a finding needs one", "조치 내용(지적인 경우 필수)");
    vec![
        Field::line("records", visit.say("Records, by their numbers", "기록 번호"), NUMBERS)
            .or(visit.query.one("records")),
        Field::choice("verdict", visit.say("Result", "결과"), verdicts),
        Field::line("result", result, WORDS),
        Field::line("action", action, WORDS).optional(),
    ]
}

fn path(sure: bool) -> &'static str {
    if sure { "/v1/registry/orders" } else { "/v1/registry/rehearsals" }
}

fn wrong(visit: &Visit, english: &str, korean: &str, what: &str) -> Absent {
    Absent::new(StatusCode::BAD_REQUEST, visit.say(english, korean).replace("{w}", what))
}

fn open<'v>(visit: &'v Visit, fields: &'v [Field], sure: bool) -> Doing<'v> {
    Box::pin(async move {
        let day = |name: &str| match value(fields, name) {
            "" => Ok(None),
            day => match Moment::parse(&format!("{day}T00:00:00Z")) {
                Some(moment) => Ok(Some(moment)),
                None => Err(wrong(visit, "This is no day: {w}", "날짜가 아닙니다: {w}", day)),
            },
        };
        let sample: Option<u32> = match value(fields, "sample") {
            "" => None,
            text => {
                let none = |_| wrong(visit, "This is no number: {w}", "숫자가 아닙니다: {w}", text);
                Some(text.parse().map_err(none)?)
            }
        };
        let order =
            json!({ "command": "open_review", "since": day("since")?, "until": day("until")?, "sample": sample });
        let said = visit.order(path(sure), &json!({ "command": order })).await?;
        let review = &said["events"][0]["review"];
        let text = |key: &str| review[key].as_str().unwrap_or_default();
        let about = visit.say("Access records from {f} to {t}.", "{f}부터 {t}까지의 접속기록.");
        let says = visit.say(
            "The gateway draws {n} of them at random, and lists the unusual ones besides. Nobody can draw again before this review is signed.",
            "게이트웨이가 {n}건을 무작위로 뽑고 특이한 기록을 더합니다. 이 점검에 서명하기 전에는 다시 뽑을 수 없습니다.",
        );
        let about = about.replace("{f}", text("since")).replace("{t}", text("until"));
        let says = says.replace("{n}", &review["sample"].to_string());
        // Only what has happened has a number of its own.
        let to = match review["id"].as_u64().filter(|_| sure) {
            Some(id) => format!("/people/reviews/{id}?done=1"),
            None => "/people/reviews".to_owned(),
        };
        Ok(Outcome::new(to, [about, says]))
    })
}

fn judge<'v>(visit: &'v Visit, fields: &'v [Field], sure: bool) -> Doing<'v> {
    Box::pin(async move {
        let id: u64 = visit.rest.parse().unwrap_or_default();
        let mut records: Vec<u64> = Vec::new();
        for number in value(fields, "records").split([' ', ',']).filter(|number| !number.is_empty()) {
            let none = |_| wrong(visit, "This is no record's number: {w}", "기록 번호가 아닙니다: {w}", number);
            records.push(number.parse().map_err(none)?);
        }
        let verdict = value(fields, "verdict");
        let action = Some(value(fields, "action")).filter(|action| !action.is_empty());
        let order = json!({
            "command": "judge", "records": records, "verdict": verdict, "result": value(fields, "result"), "action": action,
        });
        let order = json!({ "command": order });
        // The form is of one review: what other reviews ask about is not answered in it.
        let other = &visit.order(path(false), &order).await?["events"][0]["review"];
        if *other != id {
            return Err(wrong(visit, "These records are of review {w}.", "점검 {w}의 기록입니다.", &other.to_string()));
        }
        if sure {
            visit.order(path(true), &order).await?;
        }
        let about = visit.say("Result of {n} records: {v}", "기록 {n}건의 결과: {v}");
        let about = about.replace("{n}", &records.len().to_string()).replace("{v}", &visit.term(verdict));
        let says = visit.say(
            "Until the review is signed a later result takes the place of this one; both stay on record.",
            "서명 전에는 나중에 적은 결과가 이 결과를 대신하며, 둘 다 기록에 남습니다.",
        );
        Ok(Outcome::new(format!("/people/reviews/{id}?done=1"), [about, says.to_owned()]))
    })
}

fn sign(visit: &Visit, sure: bool) -> Doing<'_> {
    Box::pin(async move {
        let id: u64 = visit.rest.parse().unwrap_or_default();
        let review = find(visit, id).await?;
        visit.order(path(sure), &json!({ "command": { "command": "sign_review", "review": id } })).await?;
        let text = |key: &str| review[key].as_str().unwrap_or_default();
        let about = visit.say(
            "Review {n}, from {f} to {t}: {r} records, of which {a} are findings.",
            "점검 {n}({f} ~ {t}): 기록 {r}건, 지적 {a}건.",
        );
        let about = about.replace("{n}", &id.to_string()).replace("{f}", text("since")).replace("{t}", text("until"));
        let about =
            about.replace("{r}", &review["records"].to_string()).replace("{a}", &review["findings"].to_string());
        let says = visit.say(
            "You sign that every record was looked at. No result can be changed any more, and the next review goes on from where this one ends.",
            "모든 기록을 점검했음을 서명합니다. 이후 결과를 바꿀 수 없으며 다음 점검은 이 점검이 끝난 시점부터 이어집니다.",
        );
        Ok(Outcome::new(format!("/people/reviews/{id}?done=1"), [about, says.to_owned()]))
    })
}

/// The whole review of a number.
///
/// # Errors
/// When there is none.
pub(in crate::admin::console) async fn find(visit: &Visit, id: u64) -> Result<Value, Absent> {
    let review = visit.ask(&format!("/v1/registry/reviews/{id}")).await?;
    if review["review"].is_u64() {
        return Ok(review);
    }
    Err(Absent::new(StatusCode::NOT_FOUND, visit.say("There is no such review.", "해당 점검이 없습니다.")))
}

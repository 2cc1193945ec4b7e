//! What the gateway's own words are called in pages. What is not here is shown as it is: a role, a rule, a type.

use crate::identity::page::Language;

/// Word, English, Korean.
const WORDS: &[(&str, &str, &str)] = &[
    ("green", "true", "이행"),
    ("amber", "in doubt", "확인 필요"),
    ("red", "not true", "미이행"),
    ("off", "not configured", "미설정"),
    ("possible", "possible", "가능성"),
    ("confirmed", "confirmed", "확정"),
    ("cleared", "cleared", "해소"),
    ("closed", "closed", "종결"),
    ("low", "low", "낮음"),
    ("medium", "medium", "보통"),
    ("high", "high", "높음"),
    ("critical", "critical", "심각"),
    ("info", "note", "참고"),
    ("none", "none", "없음"),
    ("some", "some", "있음"),
    ("people", "the people concerned", "정보주체"),
    ("authority", "the authority", "감독기관"),
    ("public", "the public", "일반 공개"),
    ("missing", "missing", "미서명"),
    ("current", "signed", "서명됨"),
    ("signed", "signed", "서명됨"),
    ("outdated", "of an older text", "이전 서약"),
    ("expired", "expired", "만료"),
    ("withdrawn", "withdrawn", "철회"),
    ("waiting", "waiting", "대기"),
    ("done", "done", "완료"),
    ("not_due", "not due", "해당 없음"),
    ("in_force", "in force", "유효"),
    ("ended", "ended", "종료"),
    ("due", "due", "기한 도래"),
    ("proposed", "proposed", "제안됨"),
    ("open", "open", "진행 중"),
    ("gap", "nobody has taken over", "업무 공백"),
    ("overlap", "two do the same", "업무 중복"),
    ("unsigned", "a handover waits for signatures", "인수인계 서명 대기"),
    ("uncertified", "a grant waits to be looked at again", "권한 재확인 필요"),
    ("one_officer", "one privacy officer alone", "개인정보 보호책임자 1명뿐"),
    ("unreviewed", "access records wait for their review", "접속기록 점검 지연"),
    ("ok", "all is well", "이상 없음"),
    ("finding", "a finding", "지적"),
    ("drawn", "drawn at random", "무작위 추출"),
    ("broken_glass", "the glass was broken", "긴급 열람"),
    ("unfinished", "nobody knows how it ended", "완료 미확인"),
    ("many_people", "many people at once", "다수 정보주체"),
    ("volume", "far more than usual", "평소보다 많은 열람"),
    ("purpose", "a rare purpose", "드문 목적"),
    ("unattributed", "whose data is not known", "정보주체 미확인"),
    ("night", "at night", "야간"),
    ("weekend", "at a weekend", "주말"),
    ("view", "viewed", "열람"),
    ("change", "changed", "변경"),
    ("download", "taken along", "다운로드"),
    ("delete", "deleted", "삭제"),
    ("create", "created", "생성"),
    ("complete", "delivered whole", "전부 전달"),
    ("suspend", "suspend a person", "계정 정지"),
    ("sign-in-again", "everybody signs in again", "전원 재로그인"),
    ("close", "close a route", "경로 차단"),
    ("quarantine", "a route for officers alone", "경로 격리"),
    ("limit", "tighten a login", "로그인 제한 강화"),
    ("ban", "ban a network", "네트워크 차단"),
    ("mask", "mask for a role", "역할별 마스킹"),
    ("rotate-key", "a new key", "암호화 키 교체"),
    ("up", "in order", "정상"),
    ("down", "not in order", "이상"),
    ("request", "request", "요청"),
    ("response", "answer", "응답"),
    ("path", "path", "경로"),
    ("query", "query", "쿼리"),
    ("request_header", "request header", "요청 헤더"),
    ("request_body", "request body", "요청 본문"),
    ("response_header", "answer header", "응답 헤더"),
    ("response_body", "answer body", "응답 본문"),
    ("response_message", "message", "메시지"),
    ("operator", "operator", "운영자"),
    ("file", "file", "파일"),
    ("acme", "ACME", "ACME"),
    ("development", "development", "개발용"),
    ("success", "success", "성공"),
    ("failure", "failure", "실패"),
    ("refused", "refused", "거부"),
    ("password", "password", "비밀번호"),
    ("otp", "one-time code", "일회용 코드"),
    ("recovery", "recovery code", "복구 코드"),
    ("passkey", "passkey", "패스키"),
    ("oidc", "provider", "조직 계정"),
    ("certificate", "certificate", "인증서"),
];

/// What `word` is called.
pub(super) fn term(language: Language, word: &str) -> String {
    let known = WORDS.iter().find(|(known, ..)| *known == word);
    known.map_or_else(|| word.to_owned(), |(_, english, korean)| language.of_two(english, korean).to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_word_is_there_once_in_both_languages() {
        let mut seen = HashSet::new();
        for (word, english, korean) in WORDS {
            assert!(seen.insert(word) && !english.is_empty() && !korean.is_empty(), "{word}");
        }
        assert_eq!(term(Language::Korean, "red"), "미이행");
        assert_eq!(term(Language::English, "shop:clerk"), "shop:clerk");
    }
}

//! The pages of the console and what can be done there: one line each.

use std::{future::Future, pin::Pin};

use super::{
    action::{self, Act},
    layout::Shown,
    page,
    visit::{Absent, Visit, Who},
};
use crate::identity::page::Language;

/// What a page comes to.
pub(super) type Showing<'v> = Pin<Box<dyn Future<Output = Result<Shown, Absent>> + Send + 'v>>;

/// One page.
pub(super) struct Page {
    /// Its path; `*` stands for one segment.
    pub(super) path: &'static str,
    pub(super) who: Who,
    /// Whether it is in the menu.
    is_in_menu: bool,
    title: (&'static str, &'static str),
    pub(super) show: for<'v> fn(&'v Visit) -> Showing<'v>,
}

impl Page {
    pub(super) fn title(&self, language: Language) -> &'static str {
        language.of_two(self.title.0, self.title.1)
    }

    /// Whether the page of a path is this one, or below it.
    pub(super) fn is_above(&self, path: &str) -> bool {
        if self.path == "/" {
            return path == "/";
        }
        path.strip_prefix(self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

macro_rules! pages {
    ($($path:literal $who:ident $menu:literal $english:literal $korean:literal $show:path;)*) => {
        const PAGES: &[Page] = &[$(Page {
            path: $path, who: Who::$who, is_in_menu: $menu, title: ($english, $korean), show: |visit| Box::pin($show(visit)),
        },)*];
    };
}

pages! {
    "/" Operator true "Overview" "개요" page::overview::show;
    "/policy" Officer true "Policy" "처리방침" page::policy::show;
    "/incidents" Officer true "Incidents" "사고" page::incidents::show;
    "/incidents/*" Officer false "Incident" "사고" page::case::show;
    "/people" Officer true "People" "담당자" page::people::staff;
    "/people/grants" Officer false "Grants" "권한" page::people::grants;
    "/people/handovers" Officer false "Handovers" "인수인계" page::people::handovers;
    "/people/reviews" Officer false "Reviews" "접속기록 점검" page::people::reviews;
    "/people/reviews/*" Officer false "Review" "접속기록 점검" page::review::show;
    "/people/due" Officer false "What is due" "처리할 일" page::people::due;
    "/disclosures" Officer true "Disclosures" "열람 기록" page::disclosures::show;
    "/findings" Operator true "Findings" "취약점" page::findings::show;
    "/logins" Operator true "Logins" "로그인 시도" page::logins::show;
    "/bans" Operator true "Bans" "차단" page::bans::show;
    "/sessions" Officer true "Sessions" "세션" page::sessions::show;
    "/map" Officer true "Data map" "개인정보 지도" page::map::show;
    "/state" Operator true "State" "상태" page::state::show;
}

/// Something that can be done, on a page that says what will happen.
pub(super) struct Action {
    pub(super) path: &'static str,
    pub(super) who: Who,
    /// Whether the sign-in must be of the last minutes.
    pub(super) is_grave: bool,
    title: (&'static str, &'static str),
    pub(super) act: Act,
}

impl Action {
    pub(super) fn title(&self, language: Language) -> &'static str {
        language.of_two(self.title.0, self.title.1)
    }
}

macro_rules! actions {
    ($($path:literal $who:ident $grave:literal $english:literal $korean:literal $act:expr;)*) => {
        const ACTIONS: &[Action] = &[$(Action {
            path: $path, who: Who::$who, is_grave: $grave, title: ($english, $korean), act: $act,
        },)*];
    };
}

actions! {
    "/policy/look" Officer false "Look again" "다시 점검" action::policy::LOOK;
    "/incidents/*/confirm" Officer true "Confirm the incident" "사고 확정" action::incident::CONFIRM;
    "/incidents/*/clear" Officer true "Clear the incident" "사고 해소" action::incident::CLEAR;
    "/incidents/*/close" Officer true "Close the incident" "사고 종결" action::incident::CLOSE;
    "/incidents/*/note" Officer false "Add a note" "메모 추가" action::incident::NOTE;
    "/incidents/*/measure" Officer true "Take a measure" "조치 시행" action::remedy::TAKE;
    "/measures/*/lift" Officer true "Lift a measure" "조치 해제" action::remedy::LIFT;
    "/grants/*/confirm" Officer true "Confirm a grant" "권한 승인" action::grant::CONFIRM;
    "/grants/*/reject" Officer false "Reject a proposed grant" "권한 제안 거부" action::grant::REJECT;
    "/grants/*/revoke" Officer true "Revoke a grant" "권한 회수" action::grant::REVOKE;
    "/grants/*/keep" Officer false "Say that a grant is still right" "권한 재확인" action::grant::KEEP;
    "/handovers/start" Officer true "Start a handover" "인수인계 시작" action::handover::START;
    "/handovers/*/sign" Officer true "Sign a handover" "인수인계 서명" action::handover::SIGN;
    "/reviews/open" Officer false "Open a review" "접속기록 점검 시작" action::review::OPEN;
    "/reviews/*/result" Officer false "Say what came of records" "점검 결과 기록" action::review::JUDGE;
    "/reviews/*/sign" Officer true "Sign a review" "접속기록 점검 서명" action::review::SIGN;
    "/sessions/*/end" Officer false "End a session" "세션 종료" action::session::END;
    "/bans/add" Operator false "Ban an address" "주소 차단" action::ban::ADD;
    "/bans/lift" Operator false "Lift a ban" "차단 해제" action::ban::LIFT;
    "/disclosures/person" Officer false "Look up one person" "한 사람의 열람 기록" action::person::LOOK_UP;
}

/// The page of a path, and what stands in the place of its `*`.
pub(super) fn page(path: &str) -> Option<(&'static Page, String)> {
    PAGES.iter().find_map(|page| Some((page, matches(page.path, path)?)))
}

/// What can be done at a path, and what stands in the place of its `*`.
pub(super) fn action(path: &str) -> Option<(&'static Action, String)> {
    ACTIONS.iter().find_map(|action| Some((action, matches(action.path, path)?)))
}

/// The menu of an officer, or of an operator.
pub(super) fn menu(is_officer: bool) -> impl Iterator<Item = &'static Page> {
    PAGES.iter().filter(move |page| page.is_in_menu && (is_officer || page.who == Who::Operator))
}

fn matches(pattern: &str, path: &str) -> Option<String> {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    let mut rest = String::new();
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return Some(rest),
            (Some("*"), Some(segment)) if !segment.is_empty() => segment.clone_into(&mut rest),
            (Some(own), Some(asked)) if own == asked => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_one_page_or_to_one_action() {
        assert_eq!(
            page("/incidents/17").map(|(page, rest)| (page.path, rest)),
            Some(("/incidents/*", "17".to_owned()))
        );
        assert_eq!(page("/").map(|(page, _)| page.path), Some("/"));
        for none in ["/incidents/", "/incidents/1/2", "/x", "//", "/policy/"] {
            assert!(page(none).is_none(), "{none}");
        }
        assert_eq!(action("/grants/4/confirm").map(|(_, rest)| rest), Some("4".to_owned()));
        for (at, action) in ACTIONS.iter().enumerate() {
            assert!(page(action.path).is_none(), "{}", action.path);
            assert!(ACTIONS[..at].iter().all(|other| other.path != action.path));
        }
    }

    #[test]
    fn an_operator_is_shown_nobody() {
        let shown: Vec<&str> = menu(false).map(|page| page.path).collect();
        assert_eq!(shown, ["/", "/findings", "/logins", "/bans", "/state"]);
        assert!(ACTIONS.iter().all(|action| action.who == Who::Officer || action.path.starts_with("/bans/")));
    }
}
